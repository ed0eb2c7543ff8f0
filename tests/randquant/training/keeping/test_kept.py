"""What a training that began with weights hands over: never of a lower signal than these, and the same after a stop."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from randquant.training.keeping.between import between, copied
from randquant.training.keeping.choice import MOST, Candidate, best, candidate
from randquant.training.keeping.set_aside import FEWEST, SetAside
from randquant.training.keeping.siblings import found
from randquant.training.setup import pretrain
from tests.randquant.training.test_loop import Stop, settings, task_builder
from tests.randquant.training.test_loop import weights as stored


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    made = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 16))
    made(torch.randn(32, 8))  # statistics, and one batch counted
    return made


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def weights(file: Path) -> dict[str, Tensor]:
    return {name: value for name, value in stored(file).items() if name != "step"}


def test_the_ends_are_bit_for_bit_and_the_middle_is_the_mean() -> None:
    start, end = (dict(copied(network(seed))) for seed in (0, 1))
    assert same(between(start, end, 0.0), start)
    assert same(between(start, end, 1.0), end)
    middle = between(start, end, 0.5)
    for name, value in middle.items():
        wanted = (start[name] + end[name]) / 2 if value.is_floating_point() else end[name]
        assert torch.allclose(value, wanted, atol=1e-7), name


def test_a_copy_stays_when_the_network_goes_on() -> None:
    trained = network(0)
    start = dict(copied(trained))
    trained(torch.randn(32, 8))
    assert not same(start, dict(trained.state_dict()))


def test_siblings_are_found_as_by_looking_at_each_pair() -> None:
    torch.manual_seed(0)
    first = torch.randn(20, 5)
    second = first + torch.randn(20, 5)
    both = torch.cat([first, second])
    whitened = (both - both.mean(0)) / both.std(0)
    left, right = whitened.split(20)
    expected = []
    for item in range(20):
        there = [float(torch.cosine_similarity(left[item], other, dim=0)) for other in right]
        back = [float(torch.cosine_similarity(other, right[item], dim=0)) for other in left]
        expected.append((int(np.argmax(there) == item) + int(np.argmax(back) == item)) / 2)
    assert found(first, second).tolist() == expected
    assert 0 < np.mean(expected) < 1
    assert bool((found(first, first) == 1).all())
    scaled = torch.tensor([1e-3, 1.0, 7.0, 1e3, 1.0])
    assert torch.equal(found(first * scaled + 3, second * scaled + 3), found(first, second)), (
        "no number counts by scale"
    )
    order = torch.randperm(20)
    assert torch.equal(found(first[order], second[order]), found(first, second)[order])


class Crops:
    """300 crops, three of each of 100 recordings."""

    def __len__(self) -> int:
        return 300

    def order(self, generator: np.random.Generator) -> np.ndarray:
        return generator.permutation(300)

    def groups(self, positions: np.ndarray) -> np.ndarray:
        return positions // 3

    def fetch(self, positions: np.ndarray, epoch: int) -> Tensor:
        return torch.from_numpy(positions + epoch)


def test_whole_recordings_are_set_aside_and_never_trained_on() -> None:
    part = SetAside(Crops(), batch_size=8, seed=3)
    order, whole = part.order(np.random.default_rng(5)), Crops().order(np.random.default_rng(5))
    assert len(order) == len(part) == 300 - len(part.held)
    assert len(set(part.held // 3)) * 3 == len(part.held) == 3 * FEWEST
    assert not set(order) & set(part.held)
    assert order.tolist() == [each for each in whole if each not in set(part.held)]
    assert (SetAside(Crops(), batch_size=8, seed=3).held == part.held).all()
    assert not np.array_equal(SetAside(Crops(), batch_size=8, seed=4).held, part.held)


@pytest.mark.parametrize("few", [Crops(), type("Few", (Crops,), {"groups": lambda self, at: at % (2 * FEWEST - 1)})()])
def test_all_are_trained_on_where_too_few_would_be_left(few: Crops) -> None:
    part = SetAside(few, batch_size=290, seed=3)
    assert len(part) == 300
    assert not len(part.held)
    assert sorted(part.order(np.random.default_rng(0))) == list(range(300))


def test_what_is_kept_never_has_a_lower_signal_than_the_start() -> None:
    torch.manual_seed(0)
    for _ in range(200):
        hits = torch.rand(5, 30).round() * (torch.rand(5, 1) < 0.7) + 0.1 * torch.rand(5, 30)
        found_by = [candidate(share / 4, each, hits[0], 1.0) for share, each in enumerate(hits)]
        kept = best(found_by)
        assert kept.found >= found_by[0].found
        assert kept is found_by[0] or (kept.change > kept.half_width > 0 and kept.share <= MOST)
    start = Candidate(0.0, 0.5, 0.0, 0.0, 1.0)
    assert best([start, Candidate(0.5, 0.6, 0.1, 0.2, 1.0), Candidate(1.0, 0.4, -0.1, 0.01, 1.0)]) is start


@pytest.mark.parametrize("fewest", [2, FEWEST], ids=["measured", "too few"])
def test_a_stopped_run_keeps_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fewest: int) -> None:
    monkeypatch.setattr("randquant.training.keeping.set_aside.FEWEST", fewest)
    onward = {"init": "weights", "init_sha256": "0", "keep": "best"}
    file = pretrain(settings(tmp_path / "whole", **onward), task_builder())
    whole = weights(file)
    for stop_at in (1, 8):
        run = settings(tmp_path / f"stopped{stop_at}", **onward)
        with pytest.raises(Stop):
            pretrain(run, task_builder(stop_at=stop_at))
        assert same(weights(pretrain(run, task_builder())), whole)
    start, end = (weights(file.parent / name) for name in ("init.safetensors", "last.safetensors"))
    share = MOST
    if fewest == 2:
        rows = [line.split(",") for line in (file.parent / "candidates.csv").read_text().split()]
        assert rows[0] == ["share", "found", "change", "half_width", "likeness", "kept"]
        assert [float(row[0]) for row in rows[1:]] == [0, 0.25, 0.5, 0.75, 1]
        assert rows[1][2:5] == ["0.0", "0.0", "1.0"]
        (share,) = (float(row[0]) for row in rows[1:] if row[5] == "1")
    assert same(between(start, end, share), whole)
    last = weights(pretrain(settings(tmp_path / "last", **onward | {"keep": "last"}), task_builder()))
    assert same(last, end) == (fewest == FEWEST), "nothing is set aside for the last weights"


def test_best_needs_weights_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give these, or leave it out"):
        settings(tmp_path, keep="best")
