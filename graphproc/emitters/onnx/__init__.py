"""Write programs as ONNX graphs of standard operators."""
