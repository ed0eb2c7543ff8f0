"""Columns are quantized by bins over the batch or over training; numbers of a row are dropped."""

import pytest
import torch

from randquant.quantize import RandomizedQuantization
from randquant.tables.augment.column_quantization import ColumnQuantization, column_quantiles
from randquant.tables.augment.input_drop import RandomInputDrop
from randquant.tables.settings import Over


def rows(count: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    numbers = torch.randn(count, 3, generator=generator)
    answers = torch.randint(0, 2, (count, 2), generator=generator).float()
    return torch.cat([numbers, answers, torch.full((count, 1), 2.0)], dim=1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("over", ["batch", "training", "quantiles"])
def test_values_stay_in_the_range_of_their_column(over: Over) -> None:
    x = rows()
    quantiles = column_quantiles(torch.cat([x, rows(500)]))
    quantized = ColumnQuantization(4, over=over, quantiles=quantiles)(x, generator=seeded())
    assert quantized.shape == x.shape
    assert (quantized >= quantiles[:, 0] - 1e-5).all()
    assert (quantized <= quantiles[:, -1] + 1e-5).all()
    assert not torch.equal(quantized[:, :3], x[:, :3])
    assert torch.allclose(quantized[:, 5], x[:, 5])


def test_over_the_batch_a_column_has_at_most_k_values_in_their_order() -> None:
    x = rows()
    quantized = ColumnQuantization(4)(x, generator=seeded())
    assert all(len(column.unique()) <= 4 for column in quantized.T)
    for before, after in zip(x.T, quantized.T, strict=True):
        assert (after[before.argsort()].diff() >= 0).all()


def test_over_training_every_cell_is_quantized_on_its_own_as_the_slow_form() -> None:
    x, training = rows(8), rows(500)
    augment = ColumnQuantization(4, over="training", quantiles=column_quantiles(training))
    params = augment.make_params(x, generator=seeded())
    found = augment.transform(x, params)
    for row in range(len(x)):
        for column in range(x.shape[1]):
            ends = torch.stack([x[row, column], training[:, column].min(), training[:, column].max()])
            single = RandomizedQuantization(4, dim=-1)
            drawn = params.bins._replace(edges=params.bins.edges[row, column], values=params.bins.values[row, column])
            assert found[row, column] == pytest.approx(float(single.transform(ends, drawn)[0]), abs=1e-6)


def test_ranks_and_back_are_the_identity() -> None:
    x = rows(300)
    augment = ColumnQuantization(over="quantiles", quantiles=column_quantiles(x))
    assert torch.allclose(augment._of_ranks(augment._ranks(x)), x, atol=1e-4)


def test_probability_counts_rows() -> None:
    x = rows(2000)
    changed = (ColumnQuantization(4, p=0.3)(x, generator=seeded())[:, 0] != x[:, 0]).float().mean()
    assert float(changed) == pytest.approx(0.3, abs=0.04)


def test_numbers_are_dropped_one_by_one() -> None:
    x = torch.ones(500, 20)
    kept = RandomInputDrop(0.2)(x, generator=seeded())
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert float(kept.mean()) == pytest.approx(0.8, abs=0.02)
    spread = RandomInputDrop((0.0, 0.9))(x, generator=seeded()).mean(dim=1)
    assert float(spread.std()) > 0.2
    assert torch.equal(RandomInputDrop(0.2).eval()(x), x)
