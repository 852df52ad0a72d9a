"""The cases of LayoutLM: without its text recognition."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

NO_OCR = ProcessorCase(always={"apply_ocr": False})  # tesseract is not in the graph, nor in the test environment

CASES: Mapping[str, ProcessorCase] = {
    "LayoutLMv2ImageProcessor": NO_OCR,
    "LayoutLMv3ImageProcessor": NO_OCR,
}
