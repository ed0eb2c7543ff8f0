"""Training everything at once equals training one layer after the other."""

import copy
import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from randquant.data.features import Features
from randquant.errors import DataError
from randquant.probes.items.splits import assignments
from randquant.probes.linear import evaluate
from randquant.probes.solvers.lanes import Lane, LinearSettings, StackedAdam, train
from randquant.probes.solvers.stacked_layers import initial_parameters

RATES = (1e-3, 1e-2, 0.1)


def clusters(count: int, dimension: int, classes: int, spread: float) -> tuple[Tensor, Tensor]:
    targets = torch.arange(count) % classes
    x = torch.randn(classes, dimension, dtype=torch.float64)[targets]
    return x + spread * torch.randn(count, dimension, dtype=torch.float64), targets


def layers(dimension: int, classes: int, settings: LinearSettings, generator: torch.Generator) -> nn.Sequential:
    sizes = [dimension, *([settings.hidden] if settings.hidden else []), classes]
    found = nn.Sequential(nn.Linear(sizes[0], sizes[1]))
    if settings.hidden:
        found.extend([nn.ReLU(), nn.Linear(sizes[1], sizes[2])])
    with torch.no_grad():
        for parameter, value in zip(found.parameters(), initial_parameters(sizes, generator), strict=True):
            parameter.copy_(value)
    return found


def train_alone(
    x: Tensor, targets: Tensor, lane: Lane, classes: int, rate: float, settings: LinearSettings
) -> tuple[nn.Module, float, int, int]:
    """The published procedure, one classifier at a time: weights kept, their accuracy and epoch, epochs trained."""
    if lane.scale is not None and lane.offset is not None:
        x = x * lane.scale + lane.offset
    generator = torch.Generator().manual_seed(lane.seed)
    layer = layers(x.shape[1], classes, settings, generator).to(x)
    optimiser = torch.optim.Adam(layer.parameters(), lr=rate, weight_decay=settings.weight_decay)
    rows = torch.arange(len(x))[lane.train]
    best, best_accuracy, best_epoch = copy.deepcopy(layer), -1.0, 0
    for epoch in range(1, settings.max_epochs + 1):
        order = rows[torch.randperm(len(rows), generator=generator)]
        for batch in order.split(min(settings.batch_size, len(rows))):
            loss = functional.cross_entropy(layer(x[batch]), targets[batch])
            optimiser.zero_grad()
            (loss / classes if settings.divide_loss_by_classes else loss).backward()
            optimiser.step()
        accuracy = float((layer(x[lane.valid]).argmax(1) == targets[lane.valid]).double().mean())
        if accuracy >= best_accuracy:
            best, best_accuracy, best_epoch = copy.deepcopy(layer), accuracy, epoch
        elif epoch - best_epoch >= settings.patience:
            break
    return best, best_accuracy, best_epoch, epoch


def lanes_of_one_split(count: int) -> list[Lane]:
    return [Lane(slice(0, count - 40), slice(count - 40, count), seed) for seed in (5, 6, 7)]


def lanes_of_different_size(count: int) -> list[Lane]:
    """Each lane holds out its own items, and one has fewer batches an epoch."""
    order = torch.randperm(count)
    return [Lane(order[30:], order[:30], 1), Lane(order[:70], order[70:], 2), Lane(order[:-40], order[-40:], 3)]


def lanes_of_folds(count: int) -> list[Lane]:
    """Each lane standardises in its own way."""
    order = torch.randperm(count)
    return [
        Lane(order[first:], order[:first], seed, torch.rand(12).add(0.5).double(), torch.randn(12).double())
        for seed, first in enumerate((30, 40, 50))
    ]


@pytest.mark.parametrize(
    ("lanes", "divide", "hidden"),
    [
        (lanes_of_one_split, True, None),
        (lanes_of_different_size, False, None),
        (lanes_of_folds, False, None),
        (lanes_of_different_size, True, 5),
        (lanes_of_folds, False, 5),
    ],
)
def test_all_at_once_equals_one_by_one(lanes: Callable[[int], list[Lane]], divide: bool, hidden: int | None) -> None:
    torch.manual_seed(3)
    x, targets = clusters(190, 12, 4, spread=2.0)
    settings = LinearSettings(
        RATES,
        weight_decay=1e-3,
        batch_size=32,
        max_epochs=16,
        patience=3,
        divide_loss_by_classes=divide,
        hidden=hidden,
    )
    made = lanes(190)
    together = train(x, targets, made, 4, settings)
    for i, lane in enumerate(made):
        for j, rate in enumerate(RATES):
            alone, accuracy, best_epoch, epochs = train_alone(x, targets, lane, 4, rate, settings)
            assert (together.best_epoch[i, j], together.epochs[i, j]) == (best_epoch, epochs)
            assert together.valid_accuracy[i, j] == pytest.approx(accuracy)
            for found, expected in zip(together.parameters, alone.parameters(), strict=True):
                torch.testing.assert_close(found[i, j], expected.detach())
    assert len(set(together.epochs.flatten().tolist())) > 1, "stops should differ for this to test anything"


def test_lanes_trained_in_groups_equal_lanes_trained_together(monkeypatch: pytest.MonkeyPatch) -> None:
    x, targets = clusters(120, 6, 3, spread=2.0)
    settings = LinearSettings(RATES, batch_size=50, max_epochs=5)
    together = train(x, targets, lanes_of_one_split(120), 3, settings)
    monkeypatch.setattr("randquant.probes.solvers.lanes._CPU_GROUP_BYTES", 1)
    apart = train(x, targets, lanes_of_one_split(120), 3, settings)
    for one, other in zip(apart.parameters, together.parameters, strict=True):
        torch.testing.assert_close(one, other)
    np.testing.assert_array_equal(apart.valid_accuracy, together.valid_accuracy)


def test_stacked_adam_equals_torch() -> None:
    start = [torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4)]
    stacked = StackedAdam([p.clone() for p in start], list(RATES), weight_decay=0.1)
    alone = {
        (lane, rate): [nn.Parameter(p[lane, rate].clone()) for p in start] for lane in (0, 1) for rate in (0, 1, 2)
    }
    optimisers = {key: torch.optim.Adam(ps, lr=RATES[key[1]], weight_decay=0.1) for key, ps in alone.items()}
    for lanes in (None, [1], None, [0], [1]):
        present = lanes or [0, 1]
        gradients = [torch.randn_like(p[present]) for p in start]
        for (lane, rate), optimiser in optimisers.items():
            if lane in present:
                for parameter, gradient in zip(alone[lane, rate], gradients, strict=True):
                    parameter.grad = gradient[present.index(lane), rate].clone()
                optimiser.step()
        stacked.step([gradient.clone() for gradient in gradients], lanes)
    for (lane, rate), parameters in alone.items():
        for whole, part in zip(stacked.parameters, parameters, strict=True):
            torch.testing.assert_close(whole[lane, rate], part.detach(), rtol=1e-5, atol=1e-6)


def make_features(splits: Sequence[str | None], *, spread: float = 0.5, classes: int = 3) -> Features:
    x, targets = clusters(len(splits), 8, classes, spread)
    labels: list[str | None] = [f"class {target}" for target in targets.tolist()]
    count = len(splits)
    return Features(x.float().numpy(), [str(i) for i in range(count)], labels, [None] * count, splits)


SPLITS = ["train"] * 60 + ["valid"] * 30 + ["test"] * 30
QUICK = LinearSettings((1e-2, 1e-4), repeats=3, max_epochs=30, batch_size=20)


def test_separable_classes_are_told_apart() -> None:
    outcome = evaluate(make_features(SPLITS, spread=0.05), QUICK)
    numbers = outcome.numbers.to_json()
    assert numbers["accuracy"] == numbers["macro_recall"] == 1.0
    assert numbers["ci95"] == 0.0
    assert numbers["ci95_items"][0] < 0.9
    assert numbers["learning_rate"] == 1e-2
    assert numbers["majority_floor"] == pytest.approx(1 / 3)
    assert numbers["counts"] == {"train": 60, "valid": 30, "test": 30}
    assert numbers["seeds"] == [42, 43, 44]
    assert outcome.rows.tolist() == list(range(90, 120))
    np.testing.assert_array_equal(outcome.predictions, np.tile(outcome.truth, (3, 1)))
    json.dumps(numbers)


FOLDS = [f"fold{1 + i % 4}" for i in range(160)]


def two_folds_apart(features: Features, name: str) -> Features:
    """The same task with this fold as the test split."""
    splits = ["test" if split == name else "train" for split in features.splits]
    return Features(features.vectors, features.ids, features.labels, features.groups, splits)


@pytest.mark.parametrize("hidden", [None, 6])
def test_folds_equal_a_loop_over_them(hidden: int | None) -> None:
    """Together, sharing their rows and each with its own scaler, or one after the other: the same."""
    features = make_features(FOLDS, spread=1.5, classes=5)
    features.vectors[:40] *= 3  # so that the folds' scalers differ
    settings = LinearSettings((1e-2,), repeats=2, max_epochs=12, batch_size=20, hidden=hidden)
    together = evaluate(features, settings)
    alone = [evaluate(two_folds_apart(features, f"fold{i}"), settings) for i in (1, 2, 3, 4)]
    np.testing.assert_array_equal(together.predictions, np.concatenate([each.predictions for each in alone], axis=1))
    np.testing.assert_array_equal(together.rows, np.concatenate([each.rows for each in alone]))
    numbers = together.numbers.to_json()
    by_fold = np.array([each.numbers.accuracies for each in alone])
    assert numbers["accuracies"] == pytest.approx(by_fold.mean(axis=0))
    assert [fold["accuracy"] for fold in numbers["folds"]] == pytest.approx(by_fold.mean(axis=1))
    assert numbers["accuracy"] == pytest.approx(by_fold.mean())
    assert numbers["valid_accuracy"] == pytest.approx(np.mean([each.numbers.valid_accuracy for each in alone]))
    assert numbers["counts"] == {"train": 160, "valid": None, "test": 160}
    assert sorted(together.rows) == list(range(160)), "each once"


def test_features_of_each_fold_equal_a_loop_over_them() -> None:
    common = make_features(FOLDS, spread=1.5)
    settings = LinearSettings((1e-2,), repeats=2, max_epochs=8, batch_size=20)
    own = [
        Features(common.vectors * (1 + i) + np.float32(0.1) * common.vectors**2, **vars(common.items)) for i in range(4)
    ]
    together = evaluate(own, settings)
    alone = [evaluate(two_folds_apart(each, f"fold{i}"), settings) for i, each in enumerate(own, 1)]
    np.testing.assert_array_equal(together.predictions, np.concatenate([each.predictions for each in alone], axis=1))


def test_one_rate_is_chosen_for_all_folds_on_validation() -> None:
    numbers = evaluate(make_features(FOLDS), QUICK).numbers.to_json()
    rates = {entry["learning_rate"]: entry["valid_accuracy"] for entry in numbers["by_learning_rate"]}
    assert numbers["valid_accuracy"] == max(rates.values()) == rates[numbers["learning_rate"]]
    assert len(numbers["epochs"]) == 12


def test_too_few_features_for_the_folds_are_refused() -> None:
    features = make_features(FOLDS)
    with pytest.raises(ValueError, match="4 assignments need as many features, got 2"):
        evaluate([features, features], QUICK)
    with pytest.raises(ValueError, match="same ids"):
        evaluate([features, features, features, two_folds_apart(features, "fold1")], QUICK)
    with pytest.raises(ValueError, match="at least one"):
        evaluate([], QUICK)
    assert len(assignments(features.items)) == 4


def test_the_same_seed_gives_the_same_numbers() -> None:
    features = make_features(SPLITS, spread=2.0)
    first, again = evaluate(features, QUICK, seed=1), evaluate(features, QUICK, seed=1)
    assert first.numbers.accuracies == again.numbers.accuracies
    np.testing.assert_array_equal(first.predictions, again.predictions)


def test_nothing_is_chosen_on_test() -> None:
    """Wrong test labels change the score and nothing else."""
    honest = make_features(SPLITS, spread=2.0)
    labels = [*honest.labels[:90], *honest.labels[91:], honest.labels[90]]
    wrong = Features(honest.vectors, honest.ids, labels, honest.groups, honest.splits)
    one, other = evaluate(honest, QUICK).numbers.to_json(), evaluate(wrong, QUICK).numbers.to_json()
    assert one["accuracy"] > other["accuracy"]
    for key in ("learning_rate", "epochs", "valid_accuracy", "by_learning_rate"):
        assert one[key] == other[key]


def test_without_a_validation_split_a_part_of_train_is_held_out() -> None:
    splits = ["train"] * 90 + ["test"] * 30
    numbers = evaluate(make_features(splits, spread=0.05), QUICK).numbers.to_json()
    assert numbers["accuracy"] == 1.0
    assert numbers["counts"]["valid"] is None
    assert "10 %" in numbers["validation"]


def test_items_without_a_split_play_no_role() -> None:
    features = make_features([*SPLITS, None, None])
    features.labels = [*features.labels[:-1], None]
    features.vectors[-2:] = 1e6
    assert evaluate(features, QUICK).numbers.counts == {"train": 60, "valid": 30, "test": 30}


def test_classes_absent_from_valid_and_test_are_fine() -> None:
    features = make_features(SPLITS)
    features.labels = ["rare" if i < 3 else label for i, label in enumerate(features.labels)]
    assert evaluate(features, QUICK).numbers.classes == 4


@pytest.mark.parametrize("row", [60, 100])
def test_a_label_train_lacks_is_an_error(row: int) -> None:
    features = make_features(SPLITS)
    features.labels = ["unheard of" if i == row else label for i, label in enumerate(features.labels)]
    with pytest.raises(DataError, match=r'"unheard of".*train lacks'):
        evaluate(features, QUICK)


@pytest.mark.parametrize(
    "wrong",
    [
        {"learning_rates": ()},
        {"learning_rates": (0.0,)},
        {"learning_rates": (1e-3, 1e-3)},
        {"batch_size": 0},
        {"repeats": 0},
        {"patience": 0},
        {"max_epochs": 0},
        {"weight_decay": -1.0},
        {"hidden": 0},
    ],
)
def test_wrong_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} need"):
        LinearSettings(**wrong)
