"""Randomized quantization compiled by numba; imported where it is first used."""
