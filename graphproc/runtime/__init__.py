"""Running emitted graphs in ONNX Runtime."""
