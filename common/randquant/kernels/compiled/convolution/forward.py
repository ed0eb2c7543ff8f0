"""Convolution of 64 channels with 64, sums for batch norm, and the highest of every 2x2, in one pass."""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.convolution.pooled import highest_of, rectified
from randquant.kernels.compiled.convolution.products import CHANNELS, multiply
from randquant.kernels.compiled.convolution.tiles import to_input_space, to_outputs
from randquant.kernels.compiled.lanes import (
    WIDTH,
    address,
    ahead,
    differ,
    in_double,
    like,
    load,
    plus,
    store,
    times,
    times_plus,
    where,
)

TILES = 24  # done together, so that what they need stays in the cache; a multiple of `ROWS`
PLACES = 16  # of a tile
PITCH = TILES * CHANNELS + WIDTH  # numbers from one place's matrix to the next, so that they share no part of the cache
SPACE = PLACES * PITCH  # numbers of scratch for a matrix of every place
PATCH = PLACES * CHANNELS  # numbers of one input tile


@compiled
def forward(
    x: Any,
    sizes: Any,
    weights: Any,
    affine: Any,
    modes: Any,
    y: Any,
    slots: Any,
    out: Any,
    sums: Any,
    scratch: Any,
    first: int,
    last: int,
) -> None:
    """Maps `first` to `last`; all arrays are 1-D.

    Args:
        x: (B, H, W, 64).
        sizes: H, W.
        weights: (16, 64, 64), inputs by outputs, of every place of a tile.
        affine: (3, 64), sign, scale and shift of batch norm; of the sign alone where sums are asked for.
        modes: whether sums are asked for, so that `out` holds what scale and shift are still to come to; whether y and
            slots are kept.
        y: (B, H, W, 64) the convolution.
        slots: (B, H // 2, W // 2, 64) bytes, which of the 2x2.
        out: (B, H // 2, W // 2, 64).
        sums: (B, 2, 64) float64, of y and its square.
        scratch: 2 `SPACE` + `PATCH` numbers.
    """
    height, width = sizes
    across, down = (width + 1) // 2, (height + 1) // 2
    space, products = address(scratch), ahead(address(scratch), SPACE)
    patch, matrices, numbers = ahead(products, SPACE), address(weights), address(affine)
    maps, bytes_, pooled, found = address(y), address(slots), address(out), address(sums)
    for map_ in range(first, last):
        source = ahead(address(x), map_ * height * width * CHANNELS)
        for begin in range(0, across * down, TILES):
            count = min(TILES, across * down - begin)
            gather(source, sizes, begin, count, space, patch)
            for place in range(PLACES):
                at = place * PITCH
                multiply(ahead(space, at), ahead(matrices, place * CHANNELS * CHANNELS), ahead(products, at), count)
            _finish(products, sizes, map_, begin, count, numbers, modes, maps, bytes_, pooled, found)


@compiled
def gather(source: Any, sizes: Any, begin: int, count: int, space: Any, patch: Any) -> None:
    """Input tiles `begin` on of a map, transformed."""
    height, width = sizes
    across = (width + 1) // 2
    for number in range(count):
        top, left = 2 * ((begin + number) // across) - 1, 2 * ((begin + number) % across) - 1
        inside = top >= 0 and left >= 0 and top + 4 <= height and left + 4 <= width
        tile, row = ahead(source, (top * width + left) * CHANNELS), width * CHANNELS
        if not inside:
            _copy(source, sizes, top, left, patch)
            tile, row = patch, 4 * CHANNELS
        for lane in range(0, CHANNELS, WIDTH):
            to_input_space(ahead(tile, lane), CHANNELS, row, ahead(space, number * CHANNELS + lane), PITCH)


@compiled
def _copy(source: Any, sizes: Any, top: int, left: int, patch: Any) -> None:
    """A 4x4 tile with zeros beyond the map's edges."""
    height, width = sizes
    zero = like(load(source, 0), 0.0)
    for a in range(4):
        for b in range(4):
            target = ahead(patch, (4 * a + b) * CHANNELS)
            if 0 <= top + a < height and 0 <= left + b < width:
                pixel = ahead(source, ((top + a) * width + left + b) * CHANNELS)
                for lane in range(0, CHANNELS, WIDTH):
                    store(target, lane, load(pixel, lane))
            else:
                for lane in range(0, CHANNELS, WIDTH):
                    store(target, lane, zero)


@compiled
def _finish(
    products: Any,
    sizes: Any,
    map_: int,
    begin: int,
    count: int,
    affine: Any,
    modes: Any,
    y: Any,
    slots: Any,
    out: Any,
    sums: Any,
) -> None:
    """Outputs of tiles `begin` on, and what is made of them; arrays are addresses."""
    height, width = sizes
    across = (width + 1) // 2
    counted, kept = modes
    of_map = ahead(sums, map_ * 2 * CHANNELS)
    for number in range(count):
        row, column = (begin + number) // across, (begin + number) % across
        right, below = 2 * column + 1 < width, 2 * row + 1 < height
        pixel = ((map_ * height + 2 * row) * width + 2 * column) * CHANNELS
        pooled = ((map_ * (height // 2) + row) * (width // 2) + column) * CHANNELS
        for lane in range(0, CHANNELS, WIDTH):
            y00, y01, y10, y11 = to_outputs(ahead(products, number * CHANNELS + lane), PITCH)
            if counted:
                _count(y00, y01, y10, y11, right, below, ahead(of_map, lane))
            if kept:
                _keep(y00, y01, y10, y11, right, below, ahead(y, pixel + lane), width * CHANNELS)
            if right and below:
                sign = load(affine, lane)
                best = _extreme(sign, y00, y01, y10, y11, slots, pooled + lane, kept)
                if not counted:
                    best = rectified(best, load(affine, CHANNELS + lane), load(affine, 2 * CHANNELS + lane))
                store(out, pooled + lane, best)


@compiled
def _extreme(sign: Any, y00: Any, y01: Any, y10: Any, y11: Any, slots: Any, place: int, kept: bool) -> Any:
    """The highest output where a channel's sign is 1, the lowest where it is -1, the first where it is 0."""
    a, b, c, d = times(sign, y00), times(sign, y01), times(sign, y10), times(sign, y11)
    best = highest_of(a, b, c, d, slots, place, kept)
    return where(differ(sign, like(sign, 0.0)), times(sign, best), plus(best, y00))


@compiled
def _count(y00: Any, y01: Any, y10: Any, y11: Any, right: bool, below: bool, sums: Any) -> None:
    """Add the outputs that are within the map, in double precision, so that a large mean leaves the variance its
    digits."""
    z = in_double(y00)
    total, squares = z, plus(load(sums, CHANNELS), times_plus(z, z, like(z, 0.0)))
    if right:
        z = in_double(y01)
        total, squares = plus(total, z), times_plus(z, z, squares)
    if below:
        z = in_double(y10)
        total, squares = plus(total, z), times_plus(z, z, squares)
    if right and below:
        z = in_double(y11)
        total, squares = plus(total, z), times_plus(z, z, squares)
    store(sums, 0, plus(load(sums, 0), total))
    store(sums, CHANNELS, squares)


@compiled
def _keep(y00: Any, y01: Any, y10: Any, y11: Any, right: bool, below: bool, target: Any, row: int) -> None:
    store(target, 0, y00)
    if right:
        store(target, CHANNELS, y01)
    if below:
        store(target, row, y10)
    if right and below:
        store(target, row + CHANNELS, y11)
