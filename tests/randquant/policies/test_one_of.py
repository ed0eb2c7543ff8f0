"""Random choices among augmentations against one sample at a time."""

import pytest
import torch
from torch import Tensor

from randquant.augmentation import Augmentation
from randquant.policies.one_of import InTurn, OneOf, Sometimes, assign
from randquant.policies.strength import Strength


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Add(Augmentation):
    """Adds a random number from [low, low + 1) to each sample; its result says which operation it was."""

    def __init__(self, low: float) -> None:
        super().__init__()
        self.low = low

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        return self.low + torch.rand(len(x), generator=generator)

    def transform(self, x: Tensor, params: Tensor) -> Tensor:
        return x + params[:, None, None]


@pytest.mark.parametrize("batch", [1, 2, 7, 12])
def test_every_sample_gets_one_operation_and_its_own_draw(batch: int) -> None:
    x = torch.rand(batch, 2, 3, generator=generator(7))
    augment = OneOf(Add(10.0), Add(20.0), Add(30.0))
    params = augment.make_params(x, generator=generator(1))
    slow = torch.empty_like(x)
    for operation, (samples, drawn) in enumerate(zip(params.assignment.samples.tolist(), params.drawn, strict=True)):
        for column, sample in enumerate(samples):
            if int(params.assignment.place[sample]) == operation * len(samples) + column:
                slow[sample] = x[sample] + drawn[column]
    assert torch.equal(augment.transform(x, params), slow)
    assert torch.equal(augment(x, generator=generator(1)), slow)
    assert augment.eval()(x) is x


def test_every_operation_is_equally_likely_whatever_the_batch() -> None:
    found = torch.stack(
        [assign(5, 3, device=torch.device("cpu"), generator=generator(each)).place for each in range(1500)]
    )
    shares = torch.stack([(found // 2 == operation).float().mean(dim=0) for operation in range(3)])
    assert ((shares - 1 / 3).abs() < 0.06).all()  # of each sample


def test_probability_and_turn() -> None:
    x = torch.zeros(4000, 1, 1)
    augment = InTurn(Sometimes(Add(10.0), 0.25), Sometimes(Add(100.0), 0.5))
    found = augment(x, generator=generator(1))
    assert torch.equal(found, augment.transform(x, augment.make_params(x, generator=generator(1))))
    first, second = found % 100.0 >= 10.0, found >= 100.0
    assert abs(float(first.float().mean()) - 0.25) < 0.03
    assert abs(float(second.float().mean()) - 0.5) < 0.03
    assert InTurn()(x) is x
    with pytest.raises(ValueError, match="none"):
        OneOf()


def test_strengths_span_ranges() -> None:
    assert Strength.of(5).span(0.0, 30.0) == (15.0, 15.0)
    assert Strength.of((0, 10)).span(1.0, 0.3) == (0.3, 1.0)
    assert Strength.of(0).bins(64, 4) == (64, 64)
    for wrong in (11, -1, (6, 5)):
        with pytest.raises(ValueError, match="strength"):
            Strength.of(wrong)
