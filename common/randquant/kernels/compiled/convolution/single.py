"""The first block, whose input has one channel: moments, forward and backward, without a map of its outputs.

Batch norm's mean and variance follow from the moments of 3x3 patches, as the convolution is linear.
"""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.convolution.pooled import highest_of, rectified
from randquant.kernels.compiled.convolution.products import CHANNELS
from randquant.kernels.compiled.lanes import (
    WIDTH,
    address,
    ahead,
    bytes_equal,
    like,
    load,
    plus,
    reaches,
    spread_from,
    store,
    sum_of,
    times_plus,
    where,
)

TAPS = 9


@compiled
def moments(x: Any, sizes: Any, sums: Any, products: Any, scratch: Any, first: int, last: int) -> None:
    """Of clips `first` to `last`, sums over all 3x3 patches, in double precision.

    Args:
        x: (B, H, W).
        sizes: H, W.
        sums: (B, 9), of every tap.
        products: (B, 9, 9), of every two taps.
        scratch: 4 (H + 2) V, V being W rounded up to a multiple of `WIDTH`: the clip as each column of taps sees it,
            then ones.
    """
    height, width = sizes
    line = (width + WIDTH - 1) // WIDTH * WIDTH
    plane, size, start = (height + 2) * line, height * line, address(scratch)
    for at in range(4 * plane):
        start[at] = 1.0 if at >= 3 * plane else 0.0
    for clip in range(first, last):
        for row in range(height):
            for column in range(width):
                at, value = (row + 1) * line + column, x[(clip * height + row) * width + column]
                if column + 1 < width:
                    scratch[at + 1] = value
                scratch[plane + at] = value
                if column > 0:
                    scratch[2 * plane + at - 1] = value
        for a in range(TAPS):
            left = ahead(start, (a % 3) * plane + (a // 3) * line)
            sums[clip * TAPS + a] = _dot(left, ahead(start, 3 * plane), size)
            for b in range(a, TAPS):
                found = _dot(left, ahead(start, (b % 3) * plane + (b // 3) * line), size)
                products[(clip * TAPS + a) * TAPS + b] = found
                products[(clip * TAPS + b) * TAPS + a] = found


@compiled
def _dot(a: Any, b: Any, size: int) -> Any:
    total = like(load(a, 0), 0.0)
    for i in range(0, size, WIDTH):
        total = times_plus(load(a, i), load(b, i), total)
    return sum_of(total)


@compiled
def _pad(x: Any, sizes: Any, line: int, padded: Any) -> None:
    """Write a clip with zeros around it; both are addresses."""
    height, width = sizes
    for at in range((height + 2) * line):
        padded[at] = 0.0
    for row in range(height):
        for column in range(width):
            padded[(row + 1) * line + column + 1] = x[row * width + column]


@compiled
def single_forward(
    x: Any,
    sizes: Any,
    weights: Any,
    affine: Any,
    kept: bool,
    slots: Any,
    out: Any,
    scratch: Any,
    first: int,
    last: int,
) -> None:
    """Clips `first` to `last`.

    Args:
        x: (B, H, W).
        sizes: H, W.
        weights: (9, 64).
        affine: (2, 64), scale and shift of batch norm, none of the scales being negative.
        kept: whether slots are.
        slots: (B, H // 2, W // 2, 64) bytes, which of the 2x2.
        out: (B, H // 2, W // 2, 64).
        scratch: (H + 2) * (W + 2).
    """
    height, width = sizes
    line, down, across = width + 2, height // 2, width // 2
    constants, maps, padded = address(affine), address(out), address(scratch)
    for clip in range(first, last):
        _pad(ahead(address(x), clip * height * width), sizes, line, padded)
        for row in range(down):
            for column in range(across):
                tile = ahead(padded, 2 * row * line + 2 * column)
                at = ((clip * down + row) * across + column) * CHANNELS
                for lane in range(0, CHANNELS, WIDTH):
                    scale, shift = load(constants, lane), load(constants, CHANNELS + lane)
                    y00, y01, y10, y11 = _outputs(tile, line, ahead(address(weights), lane), like(scale, 0.0))
                    best = highest_of(y00, y01, y10, y11, address(slots), at + lane, kept)
                    store(maps, at + lane, rectified(best, scale, shift))


@compiled
def _outputs(tile: Any, line: int, weights: Any, zero: Any) -> Any:
    y00, y01, y10, y11 = zero, zero, zero, zero
    for a in range(3):
        for b in range(3):
            w, at = load(weights, (3 * a + b) * CHANNELS), a * line + b
            y00 = times_plus(w, spread_from(tile, at), y00)
            y01 = times_plus(w, spread_from(tile, at + 1), y01)
            y10 = times_plus(w, spread_from(tile, at + line), y10)
            y11 = times_plus(w, spread_from(tile, at + line + 1), y11)
    return y00, y01, y10, y11


@compiled
def single_backward(
    x: Any,
    sizes: Any,
    slots: Any,
    out: Any,
    upstream: Any,
    sums: Any,
    scratch: Any,
    first: int,
    last: int,
) -> None:
    """Of clips `first` to `last`, the sums of what ReLU lets through, alone and times the patches that were chosen.

    Args:
        x: (B, H, W).
        sizes: H, W.
        slots: (B, H // 2, W // 2, 64) bytes.
        out: (B, H // 2, W // 2, 64) after ReLU.
        upstream: its gradient.
        sums: (B, 10, 64), of nine taps, then alone.
        scratch: (H + 2) * (W + 2).
    """
    height, width = sizes
    line, down, across = width + 2, height // 2, width // 2
    maps, gradients, padded, chosen = address(out), address(upstream), address(scratch), address(slots)
    for clip in range(first, last):
        _pad(ahead(address(x), clip * height * width), sizes, line, padded)
        for lane in range(0, CHANNELS, WIDTH):
            zero = like(load(maps, 0), 0.0)
            s0, s1, s2, s3, s4, s5, s6, s7, s8, alone = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
            for row in range(down):
                for column in range(across):
                    tile = ahead(padded, 2 * row * line + 2 * column)
                    at = ((clip * down + row) * across + column) * CHANNELS + lane
                    passed = where(reaches(zero, load(maps, at)), zero, load(gradients, at))
                    alone = plus(alone, passed)
                    for slot in range(4):
                        g = where(bytes_equal(chosen, at, slot), passed, zero)
                        patch = ahead(tile, (slot // 2) * line + slot % 2)
                        s0, s1 = times_plus(g, spread_from(patch, 0), s0), times_plus(g, spread_from(patch, 1), s1)
                        s2 = times_plus(g, spread_from(patch, 2), s2)
                        patch = ahead(patch, line)
                        s3, s4 = times_plus(g, spread_from(patch, 0), s3), times_plus(g, spread_from(patch, 1), s4)
                        s5 = times_plus(g, spread_from(patch, 2), s5)
                        patch = ahead(patch, line)
                        s6, s7 = times_plus(g, spread_from(patch, 0), s6), times_plus(g, spread_from(patch, 1), s7)
                        s8 = times_plus(g, spread_from(patch, 2), s8)
            target = ahead(address(sums), clip * (TAPS + 1) * CHANNELS + lane)
            for tap, found in enumerate((s0, s1, s2, s3, s4, s5, s6, s7, s8, alone)):
                store(target, tap * CHANNELS, found)
