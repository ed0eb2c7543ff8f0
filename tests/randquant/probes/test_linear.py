"""Training everything at once equals training one layer after the other."""

import copy
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional

from randquant.errors import DataError
from randquant.features import Features
from randquant.probes.linear import (
    Lane,
    LinearSettings,
    evaluate,
    initial_layer,
    predict,
    score,
    standardise_,
    train,
)
from randquant.probes.stacked_adam import StackedAdam

RATES = (1e-3, 1e-2, 0.1)


def clusters(count: int, dimension: int, classes: int, spread: float) -> tuple[Tensor, Tensor]:
    targets = torch.arange(count) % classes
    x = torch.randn(classes, dimension, dtype=torch.float64)[targets]
    return x + spread * torch.randn(count, dimension, dtype=torch.float64), targets


def train_alone(
    x: Tensor, targets: Tensor, lane: Lane, classes: int, rate: float, settings: LinearSettings
) -> tuple[nn.Linear, float, int, int]:
    """The published procedure, one layer at a time: weights kept, their accuracy and epoch, epochs trained."""
    generator = torch.Generator().manual_seed(lane.seed)
    layer = nn.Linear(x.shape[1], classes).to(x)
    weight, bias = initial_layer(x.shape[1], classes, generator)
    layer.load_state_dict({"weight": weight, "bias": bias})
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


@pytest.mark.parametrize("lanes", [lanes_of_one_split, lanes_of_different_size])
@pytest.mark.parametrize("divide", [False, True])
def test_all_at_once_equals_one_by_one(lanes: object, divide: bool) -> None:
    x, targets = clusters(190, 12, 4, spread=2.0)
    made: Sequence[Lane] = lanes(190)  # type: ignore[operator]
    settings = LinearSettings(
        RATES, weight_decay=1e-3, batch_size=32, max_epochs=25, patience=3, divide_loss_by_classes=divide
    )
    together = train(x, targets, made, 4, settings)
    for i, lane in enumerate(made):
        for j, rate in enumerate(RATES):
            alone, accuracy, best_epoch, epochs = train_alone(x, targets, lane, 4, rate, settings)
            assert (together.best_epoch[i, j], together.epochs[i, j]) == (best_epoch, epochs)
            assert together.valid_accuracy[i, j] == pytest.approx(accuracy)
            torch.testing.assert_close(together.weight[i, j], alone.weight.detach())
            torch.testing.assert_close(together.bias[i, j], alone.bias.detach())
    assert len(set(together.epochs.flatten().tolist())) > 1, "stops should differ for this to test anything"


def test_lanes_trained_in_groups_equal_lanes_trained_together(monkeypatch: pytest.MonkeyPatch) -> None:
    x, targets = clusters(120, 6, 3, spread=2.0)
    settings = LinearSettings(RATES, batch_size=50, max_epochs=5)
    together = train(x, targets, lanes_of_one_split(120), 3, settings)
    monkeypatch.setattr("randquant.probes.linear._STATE_BYTES", 1)
    apart = train(x, targets, lanes_of_one_split(120), 3, settings)
    torch.testing.assert_close(apart.weight, together.weight)
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


def test_standardise_equals_scikit_learn() -> None:
    x = 3 * torch.randn(50, 7) + 100
    x[:, 2] = 0.1  # constant
    x[:40, 3] = -5.0  # constant where it is fitted
    expected = StandardScaler().fit(x[:40].double().numpy()).transform(x.double().numpy())
    np.testing.assert_allclose(standardise_(x.clone(), 40).numpy(), expected, rtol=1e-3, atol=1e-4)


def test_predict_is_the_same_in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias = torch.randn(30, 5), torch.randn(2, 4, 5), torch.randn(2, 4)
    expected = torch.stack([(x[7:] @ weight[i].T + bias[i]).argmax(1) for i in (0, 1)])
    assert torch.equal(predict(x, slice(7, 30), weight, bias), expected)
    monkeypatch.setattr("randquant.probes.linear._LOGITS", 24)
    assert torch.equal(predict(x, torch.arange(7, 30), weight, bias), expected)


def make_features(splits: Sequence[str | None], *, spread: float = 0.5, classes: int = 3) -> Features:
    x, targets = clusters(len(splits), 8, classes, spread)
    labels: list[str | None] = [f"class {target}" for target in targets.tolist()]
    count = len(splits)
    return Features(x.float().numpy(), [str(i) for i in range(count)], labels, [None] * count, splits)


SPLITS = ["train"] * 60 + ["valid"] * 30 + ["test"] * 30
QUICK = LinearSettings((1e-2, 1e-4), repeats=3, max_epochs=30, batch_size=20)


def test_separable_classes_are_told_apart() -> None:
    numbers = evaluate(make_features(SPLITS, spread=0.05), QUICK)
    assert numbers["accuracy"] == numbers["macro_recall"] == 1.0
    assert numbers["ci95"] == 0.0
    assert numbers["ci95_items"][0] < 0.9
    assert numbers["learning_rate"] == 1e-2
    assert numbers["majority_floor"] == pytest.approx(1 / 3)
    assert numbers["counts"] == {"train": 60, "valid": 30, "test": 30}
    assert numbers["seeds"] == [42, 43, 44]


def test_the_same_seed_gives_the_same_numbers() -> None:
    features = make_features(SPLITS, spread=2.0)
    first, again = evaluate(features, QUICK, seed=1), evaluate(features, QUICK, seed=1)
    assert first["accuracies"] == again["accuracies"]


def test_nothing_is_chosen_on_test() -> None:
    """Wrong test labels change the score and nothing else."""
    honest = make_features(SPLITS, spread=2.0)
    labels = [*honest.labels[:90], *honest.labels[91:], honest.labels[90]]
    wrong = Features(honest.vectors, honest.ids, labels, honest.groups, honest.splits)
    one, other = evaluate(honest, QUICK), evaluate(wrong, QUICK)
    assert one["accuracy"] > other["accuracy"]
    for key in ("learning_rate", "epochs", "valid_accuracy", "by_learning_rate"):
        assert one[key] == other[key]


def test_without_a_validation_split_a_part_of_train_is_held_out() -> None:
    splits = ["train"] * 90 + ["test"] * 30
    numbers = evaluate(make_features(splits, spread=0.05), QUICK)
    assert numbers["accuracy"] == 1.0
    assert numbers["counts"]["valid"] is None
    assert "10 %" in numbers["validation"]


def test_items_without_a_split_play_no_role() -> None:
    features = make_features([*SPLITS, None, None])
    features.labels = [*features.labels[:-1], None]
    features.vectors[-2:] = 1e6
    assert evaluate(features, QUICK)["counts"] == {"train": 60, "valid": 30, "test": 30}


def test_macro_recall_counts_classes_present_in_test() -> None:
    predictions = np.array([[0, 0, 0, 0, 1, 1]])
    numbers = score(predictions, np.array([0, 0, 0, 0, 1, 2]), majority=0)
    assert numbers["accuracy"] == pytest.approx(5 / 6)
    assert numbers["macro_recall"] == pytest.approx(2 / 3)
    assert numbers["majority_floor"] == pytest.approx(4 / 6)
    assert numbers["ci95"] is None


def test_classes_absent_from_valid_and_test_are_fine() -> None:
    features = make_features(SPLITS)
    features.labels = ["rare" if i < 3 else label for i, label in enumerate(features.labels)]
    assert evaluate(features, QUICK)["classes"] == 4


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
    ],
)
def test_wrong_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} need"):
        LinearSettings(**wrong)
