"""Fine-tuning learns, chooses on validation alone, is repeatable, and leaves everything else as it was."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from randquant.data.features import Items
from randquant.data.store import Store, StoreWriter
from randquant.errors import DataError
from randquant.files.lock import lock_file
from randquant.pointcloud.encoders.weights import LoadedPointEncoder, untrained_encoder
from randquant.pointcloud.evaluation import classifier_training, finetune
from randquant.pointcloud.evaluation.classifier_training import Finetuned, finetuned
from randquant.pointcloud.evaluation.finetune import FinetuneDetails, evaluate
from randquant.pointcloud.evaluation.finetune_settings import FinetuneSettings
from randquant.pointcloud.evaluation.shape_views import ShapeViews
from randquant.probes.outcome import Outcome
from randquant.results.predictions import prediction_table

CHANNELS = ("x", "y", "z", "nx", "ny", "nz")
QUICK = FinetuneSettings(points=24, epochs=6, warmup_epochs=1, learning_rate=5e-3, batch_size=8, votes=3, repeats=2)
SPLITS = ("train",) * 10 + ("valid",) * 4 + ("test",) * 6


def write_store(folder: Path, splits: tuple[str, ...] = SPLITS, channels: tuple[str, ...] = CHANNELS) -> Store:
    """Three classes of boxes, each stretched along another axis; 32 points a shape."""
    generator = np.random.default_rng(0)
    writer = StoreWriter(folder, kind="points", plan="")
    with writer.begin(), writer.shard(0) as shard:
        for place, split in enumerate(splits):
            for axis in range(3):
                xyz = generator.uniform(-1, 1, size=(32, 3)) * np.where(np.arange(3) == axis, 1.0, 0.15)
                rows = np.concatenate([xyz, np.eye(3)[generator.integers(0, 3, 32)]], axis=1)[:, : len(channels)]
                columns = {"path": f"{axis}/{place}.off", "label": "xyz"[axis], "split": split}
                shard.append([rows.astype(np.float32)], columns)
    return writer.finish(1, {"channels": list(channels)})


def loaded(channels: int = 3, up: Any = "z") -> LoadedPointEncoder:
    return replace(untrained_encoder("PointNetLite", 16, seed=0, channels=channels), up=up)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_store(tmp_path_factory.mktemp("shapes") / "store")


def test_it_learns_and_says_how(store: Store) -> None:
    settings = FinetuneSettings(**{**vars(QUICK), "epochs": 15, "dropout": 0.1})
    outcomes = evaluate(loaded(), store, settings)
    assert list(outcomes) == ["finetune", "finetune-vote"]
    for name, outcome in outcomes.items():
        numbers = outcome.numbers.to_json()
        assert numbers["probe"] == name
        assert numbers["accuracy"] > 0.8
        assert numbers["counts"] == {"train": 30, "valid": 12, "test": 18}
        assert numbers["seeds"] == [42, 43]
        assert numbers["labelled"] == [[30, 12], [30, 12]]
        assert outcome.predictions.shape == (2, 18)
        assert [store.column("split")[row] for row in outcome.rows] == ["test"] * 18
        assert len(prediction_table("shapes", name, outcome)) == 36
        json.dumps(numbers)
    assert outcomes["finetune"].numbers.how == "fine-tuned for 15 epochs, the best on validation"
    assert outcomes["finetune-vote"].numbers.how.endswith("mean of 3 votes")


def test_a_seed_repeats_itself_and_nothing_else_is_touched(store: Store) -> None:
    encoder = loaded()
    before = {name: value.clone() for name, value in encoder.encoder.state_dict().items()}
    state = torch.get_rng_state()
    settings = FinetuneSettings(**{**vars(QUICK), "epochs": 2, "repeats": 1, "learning_rate": 1e-3})
    logits: list[torch.Tensor] = []
    original = classifier_training.logits_of

    def recorded(*arguments: Any) -> torch.Tensor:
        logits.append(original(*arguments))
        return logits[-1]

    with pytest.MonkeyPatch.context() as patch:
        for module in (finetune, classifier_training):
            patch.setattr(module, "logits_of", recorded)
        for seed in (1, 1, 2):
            evaluate(encoder, store, settings, seed=seed)
    first, again, other = np.split(np.arange(len(logits)), 3)
    assert all(torch.equal(logits[i], logits[j]) for i, j in zip(first, again, strict=True))
    assert not torch.equal(logits[first[0]], logits[other[0]])
    assert torch.equal(torch.get_rng_state(), state)
    assert not encoder.encoder.training
    assert all(torch.equal(value, before[name]) for name, value in encoder.encoder.state_dict().items())


def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier_training, "_SAVE_EVERY", 0.0)
    steps = classifier_training.ClassifierTraining._train
    left = 30  # of 48: in the second of two trainings

    def killed(self: Any, rows: Any) -> torch.Tensor:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return steps(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(classifier_training.ClassifierTraining, "_train", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluate(loaded(), store, QUICK, unfinished=tmp_path)
    assert len(list(tmp_path.glob("finetune-*.pt"))) == 2
    left = 30  # more than are left to do, and fewer than all
    monkeypatch.setattr(classifier_training.ClassifierTraining, "_train", killed)
    resumed = evaluate(loaded(), store, QUICK, unfinished=tmp_path)
    monkeypatch.undo()
    assert not list(tmp_path.iterdir())
    whole = evaluate(loaded(), store, QUICK)
    for name, outcome in whole.items():
        assert np.array_equal(outcome.predictions, resumed[name].predictions)
        assert outcome.numbers.valid_accuracy == resumed[name].numbers.valid_accuracy
        assert outcome.details.epochs == resumed[name].details.epochs


def test_equal_trainings_take_turns(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = FinetuneSettings(**{**vars(QUICK), "epochs": 2, "repeats": 1, "votes": 0})
    whole = evaluate(loaded(), store, settings)["finetune"]
    file = tmp_path / finetune._name(loaded(), store, settings, 42, "cpu")
    begun, trained = threading.Event(), threading.Event()

    def training(*arguments: Any, **named: Any) -> Finetuned:
        trained.set()
        return finetuned(*arguments, **named)

    def other() -> Outcome[FinetuneDetails]:
        begun.set()
        return evaluate(loaded(), store, settings, unfinished=tmp_path)["finetune"]

    monkeypatch.setattr(finetune, "finetuned", training)
    with ThreadPoolExecutor(1) as pool:
        with lock_file(file.with_suffix(".lock")):
            running = pool.submit(other)
            assert begun.wait(10)
            assert not trained.wait(0.5)
        assert np.array_equal(running.result(60).predictions, whole.predictions)
    assert trained.is_set()


def test_the_epoch_best_on_validation_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of equal ones the last; its weights answer the test items, whatever later epochs did."""
    given = iter([0.2, 0.7, 0.7, 0.1, 0.0, 0.3])
    weights: list[dict[str, torch.Tensor]] = []

    def accuracy(classifier: nn.Module, *_: Any) -> float:
        weights.append({name: value.clone() for name, value in classifier.state_dict().items()})
        return next(given)

    answering: list[dict[str, torch.Tensor]] = []
    original = classifier_training.logits_of

    def logits(classifier: nn.Module, batches: Any) -> torch.Tensor:
        answering.append({name: value.clone() for name, value in classifier.state_dict().items()})
        return original(classifier, batches)

    monkeypatch.setattr(classifier_training, "_accuracy", accuracy)
    monkeypatch.setattr(finetune, "logits_of", logits)
    outcome = evaluate(loaded(), store, FinetuneSettings(**{**vars(QUICK), "repeats": 1}))["finetune"]
    assert outcome.details.epochs == [3]
    assert outcome.numbers.valid_accuracy == 0.7
    for state in answering:
        assert all(torch.equal(value, weights[2][name]) for name, value in state.items())


def test_test_labels_are_never_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = FinetuneSettings(**{**vars(QUICK), "epochs": 2, "repeats": 1})
    encoder, items = loaded(), finetune.items_of(store)
    honest = evaluate(encoder, store, settings)
    turned = {"x": "y", "y": "z", "z": "x"}
    pairs = zip(items.labels, items.splits, strict=True)
    labels = [turned[str(label)] if split == "test" else label for label, split in pairs]
    monkeypatch.setattr(finetune, "items_of", lambda _: Items(items.ids, labels, items.groups, items.splits))
    other = evaluate(encoder, store, settings)
    for name in honest:
        np.testing.assert_array_equal(honest[name].predictions, other[name].predictions)
        assert honest[name].numbers.valid_accuracy == other[name].numbers.valid_accuracy
        assert (honest[name].truth != other[name].truth).all()


def test_votes_are_the_mean_of_views_drawn_by_the_seed(store: Store) -> None:
    views = ShapeViews(loaded(), store, QUICK, "cpu")
    classifier = classifier_training.classifier_of(loaded(), 3, QUICK).eval()
    rows = store.select("test")
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        total = sum(torch.cat([classifier(batch) for batch in views.varied(rows, generator)]) for _ in range(3))
    found = finetune._voted(classifier, views, rows, 3, seed=5)
    np.testing.assert_array_equal(found, total.argmax(dim=1))  # type: ignore[union-attr]
    without = evaluate(loaded(), store, FinetuneSettings(**{**vars(QUICK), "epochs": 2, "votes": 0, "repeats": 1}))
    assert list(without) == ["finetune"]


def test_few_labels_are_a_share_of_each_class_of_train_and_validation(store: Store) -> None:
    settings = FinetuneSettings(**{**vars(QUICK), "label_share": 0.5})
    assignment = finetune.assign(finetune.items_of(store))
    for seed in (1, 2):
        fit, choose = finetune._labelled(assignment, settings, seed)
        assert np.bincount(assignment.targets[fit]).tolist() == [5, 5, 5]
        assert np.bincount(assignment.targets[choose]).tolist() == [2, 2, 2]
        assert set(fit) <= set(assignment.train)
        assert set(choose) <= set(store.select("valid"))
    assert finetune._labelled(assignment, settings, 1)[0].tolist() != fit.tolist()
    assert "on 50 % of the labels" in finetune._how("finetune", settings)


def test_without_a_validation_split_a_part_of_train_is_held_out(tmp_path: Path) -> None:
    without = write_store(tmp_path / "store", ("train",) * 8 + ("test",) * 3)
    settings = FinetuneSettings(**{**vars(QUICK), "epochs": 2})
    numbers = evaluate(loaded(), without, settings)["finetune"].numbers.to_json()
    assert numbers["labelled"] == [[21, 3], [21, 3]]


def test_views_are_turned_scaled_and_of_the_points_in_store_order(store: Store) -> None:
    rows = store.select("train")[:6]
    plain = ShapeViews(loaded(6), store, QUICK, "cpu")
    turned = ShapeViews(loaded(6, up="y"), store, QUICK, "cpu")
    as_stored, other = (next(views.clean(rows)) for views in (plain, turned))
    assert as_stored.shape == (6, 24, 6)
    assert as_stored[..., :3].norm(dim=-1).amax(dim=1) == pytest.approx(1.0, abs=1e-5)
    torch.testing.assert_close(other, as_stored[..., [0, 2, 1, 3, 5, 4]] * torch.tensor([1, 1, -1] * 2))
    assert plain.pool == 28
    stored = np.stack([store.rows(int(row), 0, 28) for row in rows])
    plain.augment.eval()
    varied = plain.vary(rows, torch.Generator().manual_seed(0))
    for cloud, whole in zip(varied.numpy(), stored, strict=True):
        # Normals say which points they are, where they are unlike; order and multiplicity must fit.
        remaining = iter(whole[:, 3:].tolist())
        assert all(any(normal == other for other in remaining) for normal in cloud[:, 3:].tolist())


def test_batches_never_hold_one_item_alone() -> None:
    for count in range(2, 40):
        for size in range(2, 9):
            batches = classifier_training.batches_of(np.arange(count), size)
            assert np.concatenate(batches).tolist() == list(range(count))
            assert min(map(len, batches)) >= 2
            assert max(map(len, batches)) <= size + 1


def test_norms_and_biases_do_not_decay() -> None:
    classifier = classifier_training.classifier_of(loaded(), 3, QUICK)
    decaying, others = classifier_training.weight_groups(classifier, 0.05)
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.05, 0.0)
    assert all(parameter.ndim > 1 for parameter in decaying["params"])
    assert len(decaying["params"]) + len(others["params"]) == len(list(classifier.parameters()))


def test_a_loss_that_is_not_finite_is_said(store: Store) -> None:
    broken = loaded()
    nn.init.constant_(next(broken.encoder.parameters()), float("nan"))
    with pytest.raises(DataError, match=r"stopped being finite in epoch 1 \(seed 42\); lower the learning rate"):
        evaluate(broken, store, QUICK)


def test_what_the_store_lacks_is_said(tmp_path: Path, store: Store) -> None:
    with pytest.raises(DataError, match="33 points of each shape are asked for"):
        evaluate(loaded(), store, FinetuneSettings(points=33))
    with pytest.raises(DataError, match="nx, ny, nz"):
        evaluate(loaded(6), write_store(tmp_path / "xyz", channels=("x", "y", "z")), QUICK)


def test_an_interrupt_passes_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = write_store(tmp_path / "store")
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))

    def stop(*_: Any) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(classifier_training, "_accuracy", stop)
    with pytest.raises(KeyboardInterrupt):
        evaluate(loaded(), shapes, QUICK)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == files


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("points", 0),
        ("epochs", 0),
        ("warmup_epochs", 300),
        ("learning_rate", 0.0),
        ("batch_size", 1),
        ("dropout", 1.0),
        ("label_share", 0.0),
        ("label_share", 1.5),
        ("votes", -1),
        ("repeats", 0),
    ],
)
def test_wrong_settings_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        FinetuneSettings(**{name: value})
