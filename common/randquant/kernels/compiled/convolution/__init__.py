"""Blocks of convolution, batch norm, maximum and ReLU, compiled by numba."""
