"""Convolution 3x3, batch norm, maximum over 2x2 and ReLU in one pass on a CPU; the plain form is four modules."""
