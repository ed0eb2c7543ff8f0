"""Kernels of randomized quantization: the plain form's result, bit for bit, in fewer passes over memory."""
