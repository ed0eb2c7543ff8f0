"""Closed form against scikit-learn, and leaving one out against refitting."""

import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.preprocessing import StandardScaler

from randquant.data.features import Features
from randquant.probes import ridge
from randquant.probes.ridge import RidgeSettings, Spectrum

PENALTIES = (1e-3, 0.1, 10.0)


def problem(count: int, dimension: int, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(count + dimension)
    targets = torch.arange(count) % classes
    centres = torch.randn(classes, dimension, dtype=torch.float64, generator=generator)
    noise = torch.randn(count, dimension, dtype=torch.float64, generator=generator)
    return centres[targets] + 1.5 * noise + 3, targets


def make_spectrum(x: torch.Tensor, targets: torch.Tensor, size: int = 11) -> Spectrum:
    return Spectrum(lambda: zip(x.split(size), targets.split(size), strict=True), len(x), 4, PENALTIES)


def scores(found: Spectrum, x: torch.Tensor) -> torch.Tensor:
    return found._scores((x - found.mean) @ found.basis)


@pytest.mark.parametrize(("count", "dimension"), [(50, 6), (20, 40), (30, 30)])
def test_scores_equal_scikit_learn(count: int, dimension: int) -> None:
    x, targets = problem(count, dimension)
    found = make_spectrum(x, targets)
    queries = problem(17, dimension)[0]
    for index, penalty in enumerate(PENALTIES):
        twin = Ridge(alpha=penalty * count).fit(x.numpy(), np.eye(4)[targets])
        expected = twin.predict(queries.numpy())
        np.testing.assert_allclose(scores(found, queries)[:, index].numpy(), expected, rtol=1e-6, atol=1e-9)
        assert found.predict(queries)[index].tolist() == expected.argmax(axis=1).tolist()


@pytest.mark.parametrize(("count", "dimension"), [(24, 6), (16, 40)])
def test_leaving_one_out_equals_refitting(count: int, dimension: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, targets = problem(count, dimension)
    truth = np.eye(4)[targets]
    monkeypatch.setattr(ridge, "_SCORES", 40)
    right, error = make_spectrum(x, targets).leave_one_out()
    for index, penalty in enumerate(PENALTIES):
        left_out = []
        for item in range(count):
            rest = np.arange(count) != item
            twin = Ridge(alpha=penalty * count).fit(x.numpy()[rest], truth[rest])
            left_out.append(twin.predict(x.numpy()[item : item + 1])[0])
        assert float(right[index]) == pytest.approx((np.argmax(left_out, 1) == targets.numpy()).mean())
        assert float(error[index]) == pytest.approx(((np.array(left_out) - truth) ** 2).sum(axis=1).mean())


def make_features(splits: list[str], dimension: int = 10, spread: float = 1.5) -> Features:
    count = len(splits)
    x, targets = problem(count, dimension)
    vectors = (x * spread).float().numpy()
    labels = [f"class {target}" for target in targets.tolist()]
    return Features(vectors, [str(i) for i in range(count)], labels, [None] * count, splits)


SPLITS = ["train"] * 80 + ["valid"] * 40 + ["test"] * 40


def test_evaluate_equals_scikit_learn_with_the_penalty_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("randquant.probes.items.arrangement.CHUNK", 13)
    features = make_features(SPLITS)
    outcome = ridge.evaluate(features)
    numbers = outcome.numbers.to_json()
    x = StandardScaler().fit(features.vectors[:80]).transform(features.vectors)
    labels = np.array(features.labels)
    fits = {p: RidgeClassifier(alpha=p * 80).fit(x[:80], labels[:80]) for p in ridge.PENALTIES}
    valid = {p: each.score(x[80:120], labels[80:120]) for p, each in fits.items()}
    assert {e["penalty"]: e["valid_accuracy"] for e in numbers["sweep"]} == pytest.approx(valid)
    assert numbers["valid_accuracy"] == pytest.approx(max(valid.values()))
    best = fits[numbers["penalty"]]
    assert numbers["accuracy"] == pytest.approx(best.score(x[120:], labels[120:]))
    assert [outcome.classes[i] for i in outcome.predictions[0]] == best.predict(x[120:]).tolist()
    assert numbers["ci95"] is None
    json.dumps(numbers)


def test_folds_equal_a_loop_over_them() -> None:
    folds = [f"fold{1 + i // 40}" for i in range(160)]
    features = make_features(folds)
    settings = RidgeSettings((0.1,))
    together = ridge.evaluate(features, settings)
    alone = []
    for name in dict.fromkeys(folds):
        splits = ["test" if fold == name else "train" for fold in folds]
        part = Features(features.vectors, features.ids, features.labels, features.groups, splits)
        alone.append(ridge.evaluate(part, settings))
    np.testing.assert_array_equal(together.predictions, np.concatenate([each.predictions for each in alone], axis=1))
    assert together.numbers.accuracy == pytest.approx(np.mean([each.numbers.accuracy for each in alone]))
    assert "left out" in together.numbers.validation


def test_wrong_settings_are_refused() -> None:
    for wrong in ((), (-0.1,), (-1.0, 1.0)):
        with pytest.raises(ValueError, match="penalties need"):
            RidgeSettings(wrong)


def test_least_squares_is_the_pseudo_inverse_even_of_columns_that_repeat() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    x = np.concatenate([x, x[:, :2] + x[:, 2:], np.ones((60, 1))], axis=1)
    targets = (x[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(np.int64)
    spectrum = Spectrum(lambda: [(torch.from_numpy(x), torch.from_numpy(targets))], 60, 2, [0.0])
    centred = x - x.mean(axis=0)
    expected = np.linalg.pinv(centred, rcond=1e-9) @ (np.eye(2)[targets] - np.eye(2)[targets].mean(axis=0))
    assert spectrum.layer(0)[0].numpy() == pytest.approx(expected.T, abs=1e-8)
