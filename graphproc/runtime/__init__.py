"""Run emitted graphs in ONNX Runtime, or in torch."""
