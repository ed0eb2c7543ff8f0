"""Changes of test rows: as severe as they say, and of the cells that they should be of."""

import pytest
import torch

from randquant.tables.evaluation.robustness import Cells, Corruption

# Two numbers, the second of which may be missing, a yes/no, the second's indicator, and a category of three.
CELLS = Cells(
    cell=torch.tensor([0, 1, 3, 1, 2, 2, 2]),
    number=torch.tensor([True, True, False, False, False, False, False]),
    indicator=torch.tensor([False, False, False, True, False, False, False]),
)
COUNT = 4000


def rows() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    category = torch.nn.functional.one_hot(torch.randint(0, 3, (COUNT,), generator=generator), 3)
    return torch.cat(
        [torch.randn(COUNT, 2, generator=generator), torch.ones(COUNT, 1), torch.zeros(COUNT, 1), category], dim=1
    )


def changed(kind: str, severity: float) -> torch.Tensor:
    return Corruption(kind, severity)(rows(), range(COUNT), CELLS)


def test_noise_is_of_the_numbers() -> None:
    noise = changed("noise", 0.3) - rows()
    assert float(noise[:, :2].std()) == pytest.approx(0.3, rel=0.05)
    assert not noise[:, 2:].any()


def test_missing_cells_are_as_a_prepared_table_has_them() -> None:
    before, after = rows(), changed("missing", 0.3)
    lost = after[:, 3] == 1.0
    assert float(lost.float().mean()) == pytest.approx(0.3, abs=0.03)
    assert torch.equal(after[:, 1] == 0.0, lost)
    gone = after[:, 4:].sum(dim=1) == 0.0
    assert float(gone.float().mean()) == pytest.approx(0.3, abs=0.03), "a category is one cell"
    assert torch.equal(after[~gone, 4:], before[~gone, 4:])


def test_rounded_numbers_are_multiples() -> None:
    after = changed("rounded", 0.5)
    assert torch.equal(after[:, :2], (after[:, :2] * 2).round() / 2)
    assert torch.equal(after[:, 2:], rows()[:, 2:])
    assert float((after - rows()).abs().max()) <= 0.25 + 1e-6
