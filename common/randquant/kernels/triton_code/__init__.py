"""Kernels of randomized quantization for a GPU, in Triton."""
