"""What an episode draws, that its classifier is scikit-learn's, and that its answers can be compared."""

import json

import numpy as np
import pytest
import torch

from randquant.data.features import Features
from randquant.errors import DataError
from randquant.probes import episodes
from randquant.probes.episodes import EPISODES, EpisodeSettings, answers, evaluate
from randquant.results.predictions import answers as table_answers
from randquant.results.predictions import prediction_table
from randquant.results.significance import paired

SMALL = EpisodeSettings(ways=3, shots=2, queries=4, episodes=5)


def make(counts: tuple[int, ...] = (30, 20, 12, 9, 4), spread: float = 0.3, dimension: int = 16) -> Features:
    """Classes of these sizes; every fifth item is valid's, as many test items again follow."""
    generator = np.random.default_rng(0)
    targets = np.repeat(np.arange(len(counts)), counts)
    splits = ["valid" if row % 5 == 4 else "train" for row in range(len(targets))] + ["test"] * len(targets)
    targets = np.concatenate([targets, targets])
    vectors = np.eye(len(counts), dimension)[targets] + spread * generator.normal(size=(len(targets), dimension))
    names = [f"class {target}" for target in targets]
    return Features(
        vectors.astype(np.float32), [f"{i}.off" for i in range(len(targets))], names, [None] * len(targets), splits
    )


def test_an_episode_holds_what_its_name_says() -> None:
    features = make()
    pool = episodes._Pool(features.items, SMALL)
    for seed in range(20):
        episode = pool.draw(seed=seed)
        support, query = pool.targets[episode.support], pool.targets[episode.query]
        assert len(np.unique(support)) == 3
        assert set(support) == set(query)
        assert np.bincount(support)[np.unique(support)].tolist() == [2, 2, 2]
        assert np.bincount(query)[np.unique(query)].tolist() == [4, 4, 4]
        assert not set(episode.support) & set(episode.query)
        assert len(set(episode.query)) == len(episode.query)
        assert {features.splits[row] for row in [*episode.support, *episode.query]} <= {"train", "valid"}


def test_every_class_and_item_is_drawn_alike() -> None:
    pool = episodes._Pool(make((8, 8, 8, 8, 8)).items, EpisodeSettings(ways=2, shots=1, queries=1))
    drawn = [pool.draw(seed=seed) for seed in range(600)]
    rows = np.concatenate([np.concatenate([each.support, each.query]) for each in drawn])
    counts = np.bincount(rows, minlength=40)[:40]
    assert 35 < counts.min() <= counts.max() < 90  # 60 expected


def test_the_seed_decides_and_more_episodes_go_on() -> None:
    features = make()
    first, again = evaluate(features, SMALL, seed=3), evaluate(features, SMALL, seed=3)
    np.testing.assert_array_equal(first.predictions, again.predictions)
    assert evaluate(features, SMALL, seed=4).items.ids != first.items.ids
    more = evaluate(features, EpisodeSettings(3, 2, 4, episodes=8), seed=3)
    assert more.numbers.accuracies[:5] == first.numbers.accuracies


def test_numbers_are_those_of_a_plain_loop() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    features = make(spread=0.6)
    outcome = evaluate(features, SMALL, seed=7)
    pool = episodes._Pool(features.items, SMALL)
    shares = []
    for number in range(5):
        episode = pool.draw(seed=7 + number)
        machine = make_pipeline(StandardScaler(), SVC(kernel="linear"))
        machine.fit(features.vectors[episode.support].astype(np.float64), pool.targets[episode.support])
        shares.append(machine.score(features.vectors[episode.query].astype(np.float64), pool.targets[episode.query]))
    numbers = outcome.numbers.to_json()
    assert 0.5 < np.mean(shares) < 1.0
    assert numbers["accuracies"] == pytest.approx(shares)
    assert numbers["accuracy"] == pytest.approx(np.mean(shares))
    assert numbers["std"] == pytest.approx(np.std(shares))
    assert numbers["ci95"] == pytest.approx(2.7764 * np.std(shares, ddof=1) / 5**0.5, rel=1e-4)
    assert numbers["majority_floor"] == pytest.approx(1 / 3)
    assert (outcome.predictions[0] == outcome.truth).mean() == pytest.approx(numbers["accuracy"])
    json.dumps(numbers)


def test_constant_features_do_not_break_the_classifier() -> None:
    support = torch.cat([torch.eye(4).repeat(2, 1), torch.full((8, 1), 0.1)], dim=1)
    found = answers(support, np.array([0, 1, 2, 3] * 2), support[:4])
    assert found.tolist() == [0, 1, 2, 3]


def test_a_group_is_never_on_both_sides() -> None:
    """Twelve scans of each of six objects a class: an object is asked for only where it was not shown."""
    targets = np.repeat(np.arange(3), 72)
    groups = [f"object {row // 12}" for row in range(216)]
    features = Features(
        np.zeros((216, 2), np.float32), [str(i) for i in range(216)], [str(t) for t in targets], groups, ["test"] * 216
    )
    settings = EpisodeSettings(ways=3, shots=2, queries=4, source="test")
    for seed in range(10):
        episode = episodes._Pool(features.items, settings).draw(seed=seed)
        used = [groups[row] for row in [*episode.support, *episode.query]]
        assert len(set(used)) == len(used)
    with pytest.raises(DataError, match="at least 7 labelled items in the test split, but 0 of 3"):
        evaluate(features, EpisodeSettings(ways=3, shots=3, queries=4, source="test"))


def test_small_classes_are_left_out_and_said() -> None:
    outcome = evaluate(make(), SMALL)
    assert outcome.details.left_out == ["class 4"]
    assert outcome.details.note == (
        "1 of 5 classes have fewer than 6 labelled items in the training split and are left out: class 4."
    )
    assert not {"class 4"} & set(outcome.items.labels)
    assert evaluate(make((9, 9, 9)), SMALL).details.note is None
    with pytest.raises(
        DataError, match="5-way 10-shot episodes with 20 queries need 5 classes of at least 30 labelled"
    ):
        evaluate(make(), EPISODES["episodes-5w10s"].settings)


def test_unlabelled_items_and_other_splits_are_never_drawn() -> None:
    features = make()
    labels = [None if row % 3 == 0 else label for row, label in enumerate(features.labels)]
    features = Features(features.vectors, features.ids, labels, features.groups, features.splits)
    outcome = evaluate(features, EpisodeSettings(ways=3, shots=2, queries=4, episodes=9, source="test"))
    assert set(outcome.items.splits) == {"test"}
    assert None not in outcome.items.labels


def test_two_encoders_are_compared_query_by_query() -> None:
    tables = []
    for spread in (0.3, 0.8):
        outcome = evaluate(make(spread=spread), SMALL)
        tables.append(prediction_table("shapes", "episodes", outcome))
    better, worse = (table_answers(table) for table in tables)
    assert len(set(better.ids)) == len(better.ids) == 60
    result = paired(better, worse, generator=torch.Generator().manual_seed(0))
    assert result.difference < 0
    assert result.over.endswith("groups"), "a shape that several episodes ask for counts once"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"ways": 1}, "ways needs"),
        ({"shots": 0}, "shots needs"),
        ({"queries": 0}, "queries needs"),
        ({"episodes": 0}, "episodes needs"),
        ({"source": "valid"}, "source needs"),
        ({"strength": 0.0}, "strength needs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_settings_are_refused(wrong: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        EpisodeSettings(**wrong)
