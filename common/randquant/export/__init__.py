"""Encoders as files that run without this library: ONNX and torch.export, from raw input to vector."""
