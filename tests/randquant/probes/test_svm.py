"""One Gram matrix against scikit-learn's own machines, and what is chosen on what."""

import json

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from randquant.data.features import Features
from randquant.errors import DataError
from randquant.probes import svm
from randquant.probes.items.folds import stratified_folds
from randquant.probes.svm import SvmSettings

STRENGTHS = (1e-3, 1e-2, 0.1, 1.0, 10.0)


def blobs(
    *, train: int = 90, test: int = 60, dimension: int = 12, valid: int = 0, groups: bool = False, seed: int = 0
) -> Features:
    """Three overlapping clouds of unequal scales."""
    generator = np.random.default_rng(seed)
    count = train + valid + test
    targets = np.arange(count) % 3
    centres = generator.normal(size=(3, dimension))
    scales = 10.0 ** generator.uniform(-2, 0, dimension)
    x = (centres[targets] + 1.5 * generator.normal(size=(count, dimension))) * scales + 5
    splits = ["train"] * train + ["valid"] * valid + ["test"] * test
    together = [f"g{index // 6}" if groups else None for index in range(count)]
    ids = [str(index) for index in range(count)]
    return Features(x.astype(np.float32), ids, ["abc"[target] for target in targets], together, splits)


def plain(features: Features, strength: float, *, standardise: bool, kind: str = "svm") -> np.ndarray:
    """Answers of scikit-learn's own machine, as it is usually written."""
    train, test = features.select("train"), features.select("test")
    raw, targets = features.vectors.astype(np.float64), np.array(features.labels)
    x = StandardScaler().fit(raw[train]).transform(raw) if standardise else raw
    machine = SVC(C=strength, kernel="linear") if kind == "svm" else LinearSVC(C=strength, dual=False)
    return machine.fit(x[train], targets[train]).predict(x[test])


@pytest.mark.parametrize("kind", ["svm", "linear_svc"])
@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_answers_are_those_of_scikit_learn(kind: svm.Kind, standardise: bool, strength: float) -> None:
    features = blobs()
    settings = SvmSettings(kind, (strength,), standardise=standardise, repeats=1)
    outcome = svm.evaluate(features, settings)
    expected = plain(features, strength, standardise=standardise, kind=kind)
    found = np.array(outcome.classes)[outcome.predictions[0]]
    assert (found == expected).all()


@pytest.mark.parametrize("standardise", [True, False])
def test_the_sweep_is_that_of_plain_cross_validation(standardise: bool) -> None:
    features = blobs()
    settings = SvmSettings(strengths=STRENGTHS[:4], standardise=standardise, folds=3, repeats=2)
    outcome = svm.evaluate(features, settings, seed=7)
    train = features.select("train")
    x, targets = (
        features.vectors[train].astype(np.float64),
        np.array(["abc".index(features.labels[row]) for row in train]),
    )
    expected = np.zeros((2, 4))
    for repeat in range(2):
        folds = stratified_folds(targets, [None] * len(targets), 3, seed=7 + repeat)
        for place, strength in enumerate(STRENGTHS[:4]):
            right = 0
            for fold in range(3):
                fit, held = folds != fold, folds == fold
                scaler = StandardScaler(with_mean=standardise, with_std=standardise).fit(x[fit])
                machine = SVC(C=strength, kernel="linear").fit(scaler.transform(x[fit]), targets[fit])
                right += (machine.predict(scaler.transform(x[held])) == targets[held]).sum()
            expected[repeat, place] = right / len(targets)
    found = [entry["valid_accuracy"] for entry in outcome.details.sweep or []]
    np.testing.assert_allclose(found, expected.mean(axis=0))
    chosen = [STRENGTHS[place] for place in expected.argmax(axis=1)]
    assert outcome.details.strengths == chosen
    assert outcome.numbers.valid_accuracy == pytest.approx(expected.max(axis=1).mean())


def test_the_validation_split_chooses_where_there_is_one() -> None:
    features = blobs(train=60, valid=30)
    outcome = svm.evaluate(features, SvmSettings(strengths=(1e-3, 0.1)))
    assert outcome.numbers.validation == "the valid split"
    fixed = [svm.evaluate(features, SvmSettings(strengths=(one,), repeats=1)) for one in (1e-3, 0.1)]
    assert all(numbers.numbers.valid_accuracy is None for numbers in fixed)
    chosen = (1e-3, 0.1).index(outcome.details.strengths[0])
    assert (outcome.predictions == fixed[chosen].predictions).all()


def test_test_items_choose_nothing() -> None:
    """Other test labels give other accuracies, but the same machine and the same answers."""
    features, other = blobs(), blobs()
    test = other.select("test")
    other.labels = [("c" if row in test else label) for row, label in enumerate(other.labels)]
    one, two = svm.evaluate(features), svm.evaluate(other)
    assert one.details.strengths == two.details.strengths
    assert one.details.sweep == two.details.sweep
    assert (one.predictions == two.predictions).all()


def test_groups_are_held_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    features = blobs(groups=True)
    features.labels = ["abc"[index // 6 % 3] for index in range(len(features))]
    seen = []
    dealt = svm.stratified_folds

    def spy(*arguments: object, **more: object) -> np.ndarray:
        seen.append((arguments, dealt(*arguments, **more)))  # type: ignore[arg-type]
        return seen[-1][1]

    monkeypatch.setattr(svm, "stratified_folds", spy)
    svm.evaluate(features, SvmSettings(strengths=(0.01, 0.1), folds=3, repeats=1))
    (arguments, folds), groups = seen[0], features.groups[:90]
    assert list(arguments[1]) == groups  # type: ignore[call-overload]
    assert all(len({fold for fold, name in zip(folds, groups, strict=True) if name == group}) == 1 for group in groups)


def test_folds_of_a_task_are_cross_validated() -> None:
    features = blobs()
    features.splits = [f"fold{1 + index % 4}" for index in range(len(features))]
    outcome = svm.evaluate(features, SvmSettings(strengths=(0.01, 0.1), folds=3, repeats=2))
    assert [fold.test for fold in outcome.numbers.folds or []] == [38, 38, 37, 37]
    assert outcome.predictions.shape == (2, 150)


def test_the_numbers_are_json_and_say_what_was_chosen() -> None:
    numbers = json.loads(json.dumps(svm.evaluate(blobs(), seed=3).numbers.to_json()))
    assert numbers["seeds"] == [3, 4, 5]
    assert len(numbers["strengths"]) == numbers["repeats"] == 3
    assert numbers["settings"]["probe"] == "svm"
    assert numbers["validation"] == "5 folds of train"
    assert 0 <= numbers["accuracy"] <= 1
    assert numbers["ci95"] is not None


def test_linear_svc_is_chosen_the_same_way() -> None:
    outcome = svm.evaluate(blobs(), SvmSettings("linear_svc", (0.01, 0.1), folds=3, repeats=2))
    assert outcome.numbers.probe == outcome.details.settings["probe"] == "linear_svc"
    assert outcome.predictions.shape == (2, 60)


def test_too_many_items_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svm, "MOST_ITEMS", 50)
    with pytest.raises(DataError, match="at most 50 items; ask linear_svc or ridge"):
        svm.evaluate(blobs())
    svm.evaluate(blobs(), SvmSettings("linear_svc", (0.1,), repeats=1))


@pytest.mark.parametrize(
    "wrong", [{"strengths": ()}, {"strengths": (0.0,)}, {"strengths": (1.0, 0.1)}, {"folds": 1}, {"repeats": 0}]
)
def test_settings_out_of_range(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SvmSettings(**wrong)
