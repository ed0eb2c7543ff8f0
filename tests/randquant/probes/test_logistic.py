"""The path of penalties against scikit-learn's optima."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from randquant.data.features import Features
from randquant.files.json_record import Json
from randquant.probes import logistic
from randquant.probes.logistic import LogisticSettings
from randquant.probes.registry import how, named, say_renamed
from randquant.probes.solvers import descent


def make_features(splits: list[str], dimension: int = 12, classes: int = 4) -> Features:
    """Overlapping clouds of unequal scales."""
    generator = np.random.default_rng(0)
    targets = generator.integers(classes, size=len(splits))
    centres = generator.normal(size=(classes, dimension))
    x = (centres[targets] + 1.5 * generator.normal(size=(len(splits), dimension))) * np.geomspace(0.1, 10, dimension)
    ids, labels = [str(row) for row in range(len(splits))], [f"class {target}" for target in targets]
    return Features((x + 5).astype(np.float32), ids, labels, [None] * len(splits), splits)


@pytest.mark.parametrize("dimension", [12, 150], ids=["more items", "more features"])
@pytest.mark.parametrize("penalty", [1.0, 1e-2])
def test_answers_are_those_of_scikit_learn(dimension: int, penalty: float) -> None:
    features = make_features(["train"] * 100 + ["valid"] * 40 + ["test"] * 160, dimension)
    outcome = logistic.evaluate(features, LogisticSettings((10.0, penalty), patience=9))
    alone = logistic.evaluate(features, LogisticSettings((penalty,)))
    mean, deviation = features.vectors[:100].mean(axis=0), features.vectors[:100].std(axis=0)
    x, labels = (features.vectors - mean) / deviation, np.array(features.labels)
    twin = LogisticRegression(C=1 / (penalty * 100), tol=1e-7, max_iter=3000).fit(x[:100], labels[:100])
    guesses = np.array(alone.classes)[alone.predictions[0]]
    assert np.mean(guesses == twin.predict(x[140:])) >= 0.99, "an item on the border may fall on either side"
    assert [each["penalty"] for each in outcome.numbers.to_json()["sweep"]] == [10.0, penalty]
    assert outcome.details.sweep[1]["valid_accuracy"] == pytest.approx(alone.numbers.valid_accuracy, abs=0.026)
    assert alone.fitted is not None
    ids, chances = alone.fitted().answer(features.vectors[140:])
    assert (ids == alone.predictions[0]).mean() >= 0.99
    np.testing.assert_allclose(chances, twin.predict_proba(x[140:]).max(axis=1), atol=0.02)


def test_running_out_of_passes_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    features = make_features(["train"] * 100 + ["valid"] * 40 + ["test"] * 40)
    whole = logistic.evaluate(features, LogisticSettings((1e-2, 1e-4), patience=9))
    assert whole.details.unfinished == []
    assert "not converged" not in whole.numbers.how
    monkeypatch.setattr(descent, "_PASSES", 3)
    short = logistic.evaluate(features, LogisticSettings((1e-2, 1e-4), patience=9))
    assert short.details.unfinished == [1e-2, 1e-4]
    assert short.numbers.how.endswith(", not converged at penalty 0.01 and 0.0001")


def test_results_of_before_say_how_they_came_about() -> None:
    known: dict[str, Json] = {
        "strength": 0.1,
        "iterations": [3],
        "sweep": [],
        "settings": {"probe": "logistic", "strengths": [0.1]},
    }
    assert how(known) == "by logistic regression, C 0.1"
    between: dict[str, Json] = {"penalty": 0.3, "passes": [3], "sweep": [], "settings": {"probe": "logistic_path"}}
    assert how(between) == "by logistic regression, penalty 0.3"


def test_the_former_name_is_the_same_probe(capsys: pytest.CaptureFixture[str]) -> None:
    say_renamed.cache_clear()
    assert named(["logistic_path"]) == named(["logistic_path"]) == named(["logistic"])
    assert capsys.readouterr().out.count("logistic_path is called logistic now") == 1


def test_the_path_ends_where_validation_no_longer_gains() -> None:
    features = make_features(["train"] * 40 + ["valid"] * 60 + ["test"] * 60, 60)
    whole = logistic.evaluate(features, LogisticSettings(patience=99))
    short = logistic.evaluate(features, LogisticSettings(patience=1))
    accuracies = [each["valid_accuracy"] for each in whole.details.sweep]
    falls = next(place for place in range(1, 13) if accuracies[place] < max(accuracies[:place]))
    assert [each["valid_accuracy"] for each in short.details.sweep] == accuracies[: falls + 1]
    assert short.numbers.valid_accuracy == max(accuracies[: falls + 1])
    json.dumps(short.numbers.to_json())


def test_folds_equal_a_loop_over_them() -> None:
    folds = [f"fold{1 + row // 50}" for row in range(150)]
    features, settings = make_features(folds), LogisticSettings((0.1,))
    together = logistic.evaluate(features, settings)
    alone = []
    for name in dict.fromkeys(folds):
        splits = ["test" if fold == name else "train" for fold in folds]
        part = Features(features.vectors, features.ids, features.labels, features.groups, splits)
        alone.append(logistic.evaluate(part, settings))
    apart = np.concatenate([each.predictions for each in alone], axis=1)
    assert (together.predictions == apart).mean() > 0.98
    assert together.numbers.valid_accuracy == pytest.approx(np.mean([one.numbers.valid_accuracy for one in alone]))


@pytest.mark.parametrize(
    "wrong", [{"penalties": ()}, {"penalties": (0.0,)}, {"penalties": (0.1, 1.0)}, {"patience": 0}]
)
def test_wrong_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} need"):
        LogisticSettings(**wrong)
