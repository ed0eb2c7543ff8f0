"""Encoders' weights: read from any file without running it, written as safetensors."""
