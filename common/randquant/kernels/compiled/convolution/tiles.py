"""A 3x3 convolution by tiles of 2x2 outputs, after Winograd: 16 products of channels a tile instead of 36.

With input tiles d (4x4) and weights w (3x3), outputs are A^T [(G w G^T) * (B^T d B)] A, where

    B^T = 1  0 -1  0    G = 1    0    0     A^T = 1  1  1  0
          0  1  1  0        1/2  1/2  1/2         0  1 -1 -1
          0 -1  1  0        1/2 -1/2  1/2
          0  1  0 -1        0    0    1

Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (CVPR 2016), section 4.1. Its two sums for an
output in place of one cost no accuracy: the rounding is that of the direct sum. Gradients go through the transposed
transforms. All functions do `WIDTH` channels; `step` is from one of 16 places of a tile to the next in scratch memory.
"""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import ahead, like, load, minus, plus, store


@compiled
def to_input_space(tile: Any, pixel: int, row: int, out: Any, step: int) -> None:
    """B^T d B of a 4x4 tile whose pixels, and rows, are so many numbers apart."""
    for b in range(4):
        column = ahead(tile, b * pixel)
        d0, d1, d2, d3 = load(column, 0), load(column, row), load(column, 2 * row), load(column, 3 * row)
        store(out, b * step, minus(d0, d2))
        store(out, (4 + b) * step, plus(d1, d2))
        store(out, (8 + b) * step, minus(d2, d1))
        store(out, (12 + b) * step, minus(d1, d3))
    for a in range(4):
        line = ahead(out, 4 * a * step)
        d0, d1, d2, d3 = load(line, 0), load(line, step), load(line, 2 * step), load(line, 3 * step)
        store(line, 0, minus(d0, d2))
        store(line, step, plus(d1, d2))
        store(line, 2 * step, minus(d2, d1))
        store(line, 3 * step, minus(d1, d3))


@compiled
def to_outputs(tile: Any, step: int) -> Any:
    """A^T m A, the four outputs of a tile in reading order."""
    zero = like(load(tile, 0), 0.0)
    y00, y01, y10, y11 = zero, zero, zero, zero
    for a in range(3):  # rows 0 to 2 make the upper outputs, 1 to 3 the lower
        line = ahead(tile, 4 * a * step)
        m0, m1, m2, m3 = load(line, 0), load(line, step), load(line, 2 * step), load(line, 3 * step)
        left, right = plus(plus(m0, m1), m2), minus(minus(m1, m2), m3)
        y00, y01 = plus(y00, left), plus(y01, right)
        if a == 1:
            y10, y11 = left, right
        elif a == 2:
            y10, y11 = minus(y10, left), minus(y11, right)
    line = ahead(tile, 12 * step)
    m0, m1, m2, m3 = load(line, 0), load(line, step), load(line, 2 * step), load(line, 3 * step)
    return y00, y01, minus(y10, plus(plus(m0, m1), m2)), minus(y11, minus(minus(m1, m2), m3))


@compiled
def from_outputs(y00: Any, y01: Any, y10: Any, y11: Any, out: Any, step: int) -> None:
    """A y A^T: the gradient of the 16 products of a tile, from that of its outputs."""
    _spread(y00, y01, out, step)
    _spread(plus(y00, y10), plus(y01, y11), ahead(out, 4 * step), step)
    _spread(minus(y00, y10), minus(y01, y11), ahead(out, 8 * step), step)
    zero = like(y00, 0.0)
    _spread(minus(zero, y10), minus(zero, y11), ahead(out, 12 * step), step)


@compiled
def _spread(left: Any, right: Any, out: Any, step: int) -> None:
    store(out, 0, left)
    store(out, step, plus(left, right))
    store(out, 2 * step, minus(left, right))
    store(out, 3 * step, minus(like(right, 0.0), right))


@compiled
def from_input_space(tile: Any, step: int) -> None:
    """B v B^T in place: the gradient of a 4x4 input tile."""
    for b in range(4):
        _turned_back(ahead(tile, b * step), 4 * step)
    for a in range(4):
        _turned_back(ahead(tile, 4 * a * step), step)


@compiled
def _turned_back(line: Any, step: int) -> None:
    v0, v1, v2, v3 = load(line, 0), load(line, step), load(line, 2 * step), load(line, 3 * step)
    store(line, step, plus(minus(v1, v2), v3))
    store(line, 2 * step, minus(plus(v1, v2), v0))
    store(line, 3 * step, minus(like(v3, 0.0), v3))
