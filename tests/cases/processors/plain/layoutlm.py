"""The cases of LayoutLM: without its text recognition."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import Case

NO_OCR = Case(always={"apply_ocr": False})  # tesseract is not in the graph, nor in the test environment

CASES: Mapping[str, Case] = {
    "LayoutLMv2ImageProcessor": NO_OCR,
    "LayoutLMv3ImageProcessor": NO_OCR,
}
