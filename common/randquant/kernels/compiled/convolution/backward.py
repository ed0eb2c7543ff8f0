"""Gradients of the convolution of 64 channels with 64, through batch norm, the highest of every 2x2 and ReLU."""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.convolution.forward import PITCH, PLACES, SPACE, TILES, gather
from randquant.kernels.compiled.convolution.products import CHANNELS, add_outer, multiply
from randquant.kernels.compiled.convolution.tiles import from_input_space, from_outputs
from randquant.kernels.compiled.lanes import (
    WIDTH,
    address,
    ahead,
    bytes_equal,
    in_double,
    like,
    load,
    minus,
    plus,
    reaches,
    store,
    times,
    times_plus,
    where,
)

GROUP = 8  # maps whose weight gradients are summed up by one thread, so that sums do not depend on threads


@compiled
def backward(
    x: Any,
    sizes: Any,
    weights: Any,
    y: Any,
    slots: Any,
    out: Any,
    upstream: Any,
    constants: Any,
    to_x: Any,
    to_weights: Any,
    scratch: Any,
    first: int,
    last: int,
) -> None:
    """Groups `first` to `last` of maps; all arrays are 1-D.

    Args:
        x: (B, H, W, 64).
        sizes: B, H, W.
        weights: (16, 64, 64), outputs by inputs, of every place of a tile.
        y: (B, H, W, 64) the convolution.
        slots: (B, H // 2, W // 2, 64) bytes.
        out: (B, H // 2, W // 2, 64) after ReLU.
        upstream: the gradient of `out`.
        constants: (4, 64): factor of that gradient; the mean of y; and what y less its mean is multiplied by and what
            is added for batch norm.
        to_x: (B, H, W, 64).
        to_weights: (groups, 16, 64, 64) zeros; inputs by outputs, summed up over a group of maps.
        scratch: 2 `SPACE` + `PATCH` numbers.
    """
    maps, height, width = sizes
    across, down = (width + 1) // 2, (height + 1) // 2
    space, products = address(scratch), ahead(address(scratch), SPACE)
    patch, matrices, square = ahead(products, SPACE), address(weights), CHANNELS * CHANNELS
    values, bytes_, pooled, passed, norm = (
        address(y),
        address(slots),
        address(out),
        address(upstream),
        address(constants),
    )
    for group in range(first, last):
        gradients = ahead(address(to_weights), group * PLACES * square)
        for map_ in range(group * GROUP, min((group + 1) * GROUP, maps)):
            offset = map_ * height * width * CHANNELS
            _clear(ahead(address(to_x), offset), height * width * CHANNELS, load(address(constants), 0))
            for begin in range(0, across * down, TILES):
                count = min(TILES, across * down - begin)
                gather(ahead(address(x), offset), (height, width), begin, count, space, patch)
                _of_outputs(values, bytes_, pooled, passed, norm, (height, width), map_, begin, count, products)
                for place in range(PLACES):
                    at = place * PITCH
                    left, right = ahead(space, at), ahead(products, at)
                    add_outer(left, right, ahead(gradients, place * square), count)
                    multiply(right, ahead(matrices, place * square), left, count)
                _scatter(space, (height, width), begin, count, ahead(address(to_x), offset))


@compiled
def _clear(numbers: Any, count: int, some: Any) -> None:
    for at in range(0, count, WIDTH):
        store(numbers, at, like(some, 0.0))


@compiled
def _of_outputs(
    y: Any,
    slots: Any,
    out: Any,
    upstream: Any,
    constants: Any,
    sizes: Any,
    map_: int,
    begin: int,
    count: int,
    space: Any,
) -> None:
    """Gradients of the convolution's outputs in tiles `begin` on, transformed; arrays are addresses."""
    height, width = sizes
    across = (width + 1) // 2
    for number in range(count):
        row, column = (begin + number) // across, (begin + number) % across
        right, below = 2 * column + 1 < width, 2 * row + 1 < height
        pixel = ((map_ * height + 2 * row) * width + 2 * column) * CHANNELS
        pooled = ((map_ * (height // 2) + row) * (width // 2) + column) * CHANNELS
        for lane in range(0, CHANNELS, WIDTH):
            values, norm = ahead(y, pixel + lane), ahead(constants, lane)
            zero = like(load(norm, 0), 0.0)
            d00, d01, d10, d11 = _through_norm(values, 0, norm), zero, zero, zero
            if right:
                d01 = _through_norm(values, CHANNELS, norm)
            if below:
                d10 = _through_norm(values, width * CHANNELS, norm)
            if right and below:
                d11 = _through_norm(values, (width + 1) * CHANNELS, norm)
                at = pooled + lane
                passed = where(reaches(zero, load(out, at)), zero, load(upstream, at))
                passed = times(passed, load(norm, 0))
                d00 = plus(d00, where(bytes_equal(slots, at, 0), passed, zero))
                d01 = plus(d01, where(bytes_equal(slots, at, 1), passed, zero))
                d10 = plus(d10, where(bytes_equal(slots, at, 2), passed, zero))
                d11 = plus(d11, where(bytes_equal(slots, at, 3), passed, zero))
            from_outputs(d00, d01, d10, d11, ahead(space, number * CHANNELS + lane), PITCH)


@compiled
def _through_norm(values: Any, at: int, norm: Any) -> Any:
    """What mean and variance, which depend on every output, give back to one."""
    off = minus(load(values, at), load(norm, CHANNELS))
    return times_plus(off, load(norm, 2 * CHANNELS), load(norm, 3 * CHANNELS))


@compiled
def _scatter(space: Any, sizes: Any, begin: int, count: int, to_x: Any) -> None:
    """Transform the gradients of input tiles back, and add them up where tiles overlap."""
    height, width = sizes
    across = (width + 1) // 2
    for number in range(count):
        top, left = 2 * ((begin + number) // across) - 1, 2 * ((begin + number) % across) - 1
        for lane in range(0, CHANNELS, WIDTH):
            from_input_space(ahead(space, number * CHANNELS + lane), PITCH)
        for a in range(max(0, -top), min(4, height - top)):
            for b in range(max(0, -left), min(4, width - left)):
                pixel = ahead(to_x, ((top + a) * width + left + b) * CHANNELS)
                tile = ahead(space, (4 * a + b) * PITCH + number * CHANNELS)
                for lane in range(0, CHANNELS, WIDTH):
                    store(pixel, lane, plus(load(pixel, lane), load(tile, lane)))


@compiled
def passed_sums(out: Any, upstream: Any, extremes: Any, mean: Any, size: int, sums: Any, first: int, last: int) -> None:
    """Of maps `first` to `last`, the sums of what ReLU lets through, alone and times extremes less their mean.

    Args:
        out: (B, size, 64) after ReLU.
        upstream: its gradient.
        extremes: (B, size, 64) the outputs of the convolution that were chosen.
        mean: (64).
        size: pixels of a map.
        sums: (B, 2, 64) float64, zeros.
    """
    for map_ in range(first, last):
        for pixel in range(map_ * size, (map_ + 1) * size):
            for lane in range(0, CHANNELS, WIDTH):
                at, of_map = pixel * CHANNELS + lane, ahead(address(sums), map_ * 2 * CHANNELS + lane)
                zero = like(load(address(mean), lane), 0.0)
                passed = where(reaches(zero, load(address(out), at)), zero, load(address(upstream), at))
                off = minus(load(address(extremes), at), load(address(mean), lane))
                store(of_map, 0, plus(load(of_map, 0), in_double(passed)))
                store(of_map, CHANNELS, plus(load(of_map, CHANNELS), in_double(times(passed, off))))
