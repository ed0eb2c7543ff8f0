"""Who is drawn, that no other label is looked at, and that more labels help."""

import json

import numpy as np
import pytest

from randquant.data.features import Features
from randquant.probes import fewshot
from randquant.probes.fewshot import FewShotSettings, draw
from randquant.probes.items.splits import assign, assignments

SIZES = (100, 40, 4, 1)  # of the classes in train
SPLITS = ["train"] * sum(SIZES) + ["valid"] * 20 + ["test"] * 60


def make(
    splits: list[str] = SPLITS, spread: float = 0.5, dimension: int = 8, sizes: tuple[int, ...] = SIZES
) -> Features:
    generator = np.random.default_rng(0)
    rest = len(splits) - sum(sizes)
    targets = np.concatenate([np.repeat(np.arange(4), sizes), np.arange(rest) % 4])
    vectors = np.eye(4, dimension)[targets] + spread * generator.normal(size=(len(splits), dimension))
    labels = [f"class {target}" for target in targets]
    return Features(
        vectors.astype(np.float32), [str(i) for i in range(len(splits))], labels, [None] * len(splits), splits
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (FewShotSettings(shots=1), [1, 1, 1, 1]),
        (FewShotSettings(shots=5), [5, 5, 4, 1]),
        (FewShotSettings(share=0.1), [10, 4, 1, 1]),
        (FewShotSettings(share=0.01), [1, 1, 1, 1]),
    ],
)
def test_draws_are_stratified_and_by_seed(settings: FewShotSettings, expected: list[int]) -> None:
    assignment = assign(make().items)
    rows = draw(assignment, settings, seed=3)
    assert np.bincount(assignment.targets[rows], minlength=4).tolist() == expected
    assert set(rows) <= set(assignment.train)
    assert rows.tolist() == sorted(set(rows)) == draw(assignment, settings, seed=3).tolist()
    assert rows.tolist() != draw(assignment, settings, seed=4).tolist()


def test_every_episode_scores_all_test_items() -> None:
    outcome = fewshot.evaluate(make(spread=0.02, dimension=4), FewShotSettings(shots=1, episodes=4))
    numbers = outcome.numbers.to_json()
    assert numbers["accuracy"] == 1.0, "one item a class is enough where classes lie far apart"
    assert outcome.predictions.shape == (4, 60)
    assert outcome.rows.tolist() == list(range(165, 225))
    assert numbers["labelled"] == "1 a class"
    assert numbers["labelled_items"] == 4
    assert numbers["seeds"] == [42, 43, 44, 45]
    assert len(numbers["penalties"]) == len(numbers["accuracies"]) == 4
    assert numbers["valid_accuracy"] is None
    json.dumps(numbers)


def test_more_labels_help_and_the_seed_decides() -> None:
    features = make(sizes=(40, 40, 40, 25))
    few, many = (fewshot.evaluate(features, FewShotSettings(shots=shots)).numbers.to_json() for shots in (1, 20))
    assert many["accuracy"] > few["accuracy"] + 0.05
    assert few["ci95"] > 0
    again = fewshot.evaluate(features, FewShotSettings(shots=1)).numbers.to_json()
    other = fewshot.evaluate(features, FewShotSettings(shots=1), seed=7).numbers.to_json()
    assert few["accuracies"] == again["accuracies"] != other["accuracies"]


def test_no_label_beyond_the_drawn_ones_is_looked_at() -> None:
    """Exchanging labels within validation and test changes no prediction, nor do those of train not drawn."""
    honest = make(spread=0.5)
    settings = FewShotSettings(shots=2, episodes=2)
    one = fewshot.evaluate(honest, settings)
    labels = [*honest.labels[:145], *reversed(honest.labels[145:])]
    other = fewshot.evaluate(Features(honest.vectors, honest.ids, labels, honest.groups, honest.splits), settings)
    np.testing.assert_array_equal(one.predictions, other.predictions)
    assert one.numbers.accuracy != other.numbers.accuracy


def test_folds_equal_a_loop_over_them() -> None:
    folds = [f"fold{1 + i % 3}" for i in range(225)]
    features = make(folds)
    keep = [i for i, label in enumerate(features.labels) if label != "class 3" or i > 150]
    ids, labels, groups, splits = ([column[i] for i in keep] for column in vars(features.items).values())
    features = Features(features.vectors[keep], ids, labels, groups, splits)
    settings = FewShotSettings(share=0.1, episodes=3)
    together = fewshot.evaluate(features, settings)
    alone = []
    for assignment in assignments(features.items):
        splits = ["test" if fold == assignment.name else "train" for fold in features.splits]
        part = Features(features.vectors, features.ids, features.labels, features.groups, splits)
        alone.append(fewshot.evaluate(part, settings))
    np.testing.assert_array_equal(together.predictions, np.concatenate([each.predictions for each in alone], axis=1))
    assert together.numbers.accuracies == pytest.approx(np.mean([each.numbers.accuracies for each in alone], 0))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({}, "one of shots and share"),
        ({"shots": 1, "share": 0.1}, "one of shots and share"),
        ({"shots": 0}, "shots needs"),
        ({"share": 1.0}, "share needs"),
        ({"shots": 1, "episodes": 0}, "episodes needs"),
        ({"shots": 1, "penalties": ()}, "penalties need"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FewShotSettings(**wrong)
