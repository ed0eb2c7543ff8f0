"""Inputs of every kind, and a comparison of a kernel with the plain form."""

import itertools
import random

import torch
from torch import Tensor

from randquant import RandomizedQuantization
from randquant.kernels.chosen import kernel_for, plain_form

SHAPES: list[tuple[tuple[int, ...], int | tuple[int, ...]]] = [
    ((5, 3, 6, 7), (-2, -1)),
    ((3, 6, 7), (-2, -1)),
    ((4, 1, 8, 20), -1),
    ((4, 1, 8, 96), -1),
    ((4, 30, 3), -2),
    ((2, 2100, 3), -2),
    ((30, 3), -2),
    ((40,), -1),
    ((9, 4), 0),
    ((2, 4, 3, 5, 5), (-3, -1)),
    ((2, 3, 1), -1),
    ((17, 33), -1),
    ((2, 50, 90), (-2, -1)),
]
BINS = (2, 3, 5, 8, 9, 17, 32, 64, 200, 256, 257, 1000, (2, 9), (3, 40))
DTYPES = (torch.float32, torch.float32, torch.float32, torch.float64, torch.float16, torch.bfloat16)


def assert_equals_plain_form(
    augment: RandomizedQuantization, x: Tensor, seed: int, *, offsets: Tensor | None = None, mask: Tensor | None = None
) -> None:
    """Drawn by the kernel, replayed by it, and the next number of the generator."""
    assert kernel_for(x, 2, gradient=False) is not None
    before = x.clone()
    torch.manual_seed(seed)
    found, after = augment(x, offsets=offsets, mask=mask), torch.rand(())
    with plain_form():
        torch.manual_seed(seed)
        plain, plain_after = augment(x, offsets=offsets, mask=mask), torch.rand(())
        torch.manual_seed(seed)
        params = augment.make_params(x, offsets=offsets)
    replayed = augment.transform(x, params, offsets=offsets, mask=mask)
    assert after == plain_after
    assert (found.dtype, found.shape) == (plain.dtype, plain.shape)
    if mask is None or (x.ndim, mask.ndim) == (3, 2):  # clouds and what of them is a point
        assert dense_strides(found) == dense_strides(plain), "what comes next computes in the same order"
    assert torch.equal(bits(found), bits(plain)), f"{augment} of {tuple(x.shape)}, {x.dtype}"
    assert torch.equal(bits(replayed), bits(plain)), f"{augment} of {tuple(x.shape)}, {x.dtype}, replayed"
    assert torch.equal(bits(x), bits(before))


def bits(x: Tensor) -> Tensor:
    """As integers, so that zeros have a sign; one NaN is as good as another."""
    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}[x.element_size()]
    return torch.where(x.isnan(), torch.nan, x).contiguous().view(whole)


def dense_strides(x: Tensor) -> list[int]:
    """Of dimensions that have more than one index."""
    return [stride for size, stride in zip(x.shape, x.stride(), strict=True) if size > 1]


def any_augmentation(chance: random.Random, dim: int | tuple[int, ...]) -> RandomizedQuantization:
    return RandomizedQuantization(
        chance.choice(BINS),
        dim,
        p=chance.choice([1.0, 0.5]),
        edges=chance.choice(["random", "jittered", "uniform"]),
        value=chance.choice(["random", "midpoint", "zero"]),
        same_on_batch=chance.random() < 0.3,
    )


def any_numbers(chance: random.Random, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Ordinary, huge, denormal, constant, with zeros of either sign, NaN and infinities; of any strides."""
    x = torch.randn(shape)
    if chance.random() < 0.2:
        x = (x * chance.choice([1e30, 3e38, 1e-40, 1e-44])).clamp(-3.4e38, 3.4e38)
    if chance.random() < 0.1:
        x = torch.full(shape, chance.choice([0.1, -0.0, -3.7e8, 5e-40]))
    if chance.random() < 0.2:
        x[torch.rand(shape) < 0.3] = -0.0
    if chance.random() < 0.3:
        odd = torch.rand(shape)
        for place, number in enumerate((torch.nan, torch.inf, -torch.inf)):
            x[(odd > 0.05 * place) & (odd < 0.05 * (place + 1))] = number
    if chance.random() < 0.3:
        order = chance.sample(range(x.ndim), x.ndim)
        x = x.permute(order).contiguous().permute([order.index(axis) for axis in range(x.ndim)])
    if chance.random() < 0.2:
        x = torch.stack([x, -x], dim=-1)[..., 0]
    return x.to(dtype)


def any_offsets(chance: random.Random) -> Tensor:
    """Of clouds, some of them empty."""
    sizes = [chance.choice([0, 1, 5, 17, 100, 2100]) for _ in range(chance.choice([1, 3, 8]))]
    whole = chance.choice([torch.int32, torch.int64])
    return torch.tensor([0, *itertools.accumulate(sizes)], dtype=whole)


def any_mask(chance: random.Random, shape: tuple[int, ...]) -> Tensor | None:
    if chance.random() < 0.6:
        return None
    return torch.rand(shape[: chance.randrange(len(shape) + 1)]) < chance.choice([0.1, 0.5, 0.95])
