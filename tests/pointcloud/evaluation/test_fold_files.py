"""Folds as they are published are read; anything else is refused in one sentence, and never run."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.errors import DataError
from randquant.pointcloud.evaluation.fold_files import fold_paths, read_fold


def fold(ways: int = 5, shots: int = 10, queries: int = 20, points: int = 16, columns: int = 6) -> dict[str, Any]:
    """Content of a fold's file."""
    generator = np.random.default_rng(0)
    content: dict[str, Any] = {}
    for name, count in (("train", shots), ("test", queries)):
        entries = [(label, 30 - 3 * label) for label in range(ways) for _ in range(count)]
        content[name] = [
            (generator.normal(size=(points, columns)).astype(np.float32), label, np.int32(original))
            for label, original in (entries[place] for place in generator.permutation(len(entries)))
        ]
    return content


def written(folder: Path, content: Any) -> Path:
    path = folder / "0.pkl"
    path.write_bytes(pickle.dumps(content))
    return path


def test_a_fold_comes_back_in_order(tmp_path: Path) -> None:
    content = fold()
    found = read_fold(written(tmp_path, content), ways=5, shots=10)
    assert (len(found.train), len(found.test)) == (50, 100)
    assert found.train.points.shape == (50, 16, 6)
    np.testing.assert_array_equal(found.test.points[7], content["test"][7][0])
    assert found.train.labels.tolist() == [label for _, label, _ in content["train"]]
    assert found.originals.tolist() == [30, 27, 24, 21, 18]
    np.testing.assert_array_equal(found.originals[found.test.labels], found.test.originals)


def test_labels_may_be_arrays_and_points_doubles(tmp_path: Path) -> None:
    content = fold(columns=3)
    content = {
        name: [(points.astype(np.float64), np.array([label]), original) for points, label, original in entries]
        for name, entries in content.items()
    }
    found = read_fold(written(tmp_path, content), ways=5, shots=10)
    assert found.train.points.dtype == np.float32
    assert found.train.labels.dtype == np.int64


def first(content: dict[str, Any], entry: Callable[[Any], Any], name: str = "train") -> dict[str, Any]:
    """The content with the first entry of a part changed."""
    return {**content, name: [entry(content[name][0]), *content[name][1:]]}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda good: [good["train"]], "dict with train and test, got a list"),
        (lambda good: {"train": good["train"]}, "dict with train and test"),
        (lambda good: {**good, "test": []}, "list of shapes, got a list"),
        (lambda good: {**good, "test": np.zeros(3)}, "got an array of shape"),
        (lambda good: first(good, lambda each: each[:2]), "triples"),
        (lambda good: first(good, lambda each: (each[0][:, :4], *each[1:])), "shape 0 of train should be an array"),
        (lambda good: first(good, lambda each: (each[0][:0], *each[1:])), "shape 0 of train should be an array"),
        (lambda good: first(good, lambda each: (each[0][0], *each[1:])), "shape 0 of train should be an array"),
        (lambda good: first(good, lambda each: (each[0][:9], *each[1:])), "clouds of"),
        (lambda good: first(good, lambda each: (each[0] * np.nan, *each[1:])), "finite numbers"),
        (lambda good: first(good, lambda each: (each[0], -1, each[2])), "not a class number"),
        (lambda good: first(good, lambda each: (each[0], "chair", each[2])), "not a class number"),
        (lambda good: {**good, "train": good["train"][1:]}, "10 shapes of each of 5 classes, got"),
        (lambda good: {**good, "test": good["test"][:-1]}, "20 shapes of each of 5 classes, got"),
        (lambda good: first(good, lambda each: (each[0], each[1], 39)), "several labels"),
        (lambda good: {**good, "test": fold(points=8)["test"]}, "in train and"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_other_content_is_refused(tmp_path: Path, wrong: Callable[[dict[str, Any]], Any], says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        read_fold(written(tmp_path, wrong(fold())), ways=5, shots=10)
    assert str(tmp_path / "0.pkl") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fold_of_another_setting_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, fold(ways=10, points=4))
    with pytest.raises(DataError, match="of each of 5 classes, got 10, 10, 10, 10, 10, 10, 10, 10, 10, 10"):
        read_fold(path, ways=5, shots=10)


class Payload:
    """Runs a command when it is loaded in the usual way."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def test_a_fold_that_asks_for_more_is_not_run(tmp_path: Path) -> None:
    content = first(fold(), lambda each: (each[0], each[1], Payload(f"touch {tmp_path / 'ran'}")))
    with pytest.raises(DataError, match=r"system, which was not run"):
        read_fold(written(tmp_path, content), ways=5, shots=10)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["5way_10shot", "5way10shot"])
def test_both_spellings_are_found_and_folds_come_by_number(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    for number in range(10):
        (tmp_path / name / f"{number}.pkl").touch()
    assert [path.name for path in fold_paths(tmp_path, ways=5, shots=10)] == [f"{number}.pkl" for number in range(10)]
    for number in (3, 7):
        (tmp_path / name / f"{number}.pkl").unlink()
    with pytest.raises(DataError, match=r"lacks 3.pkl, 7.pkl of its 10 folds"):
        fold_paths(tmp_path, ways=5, shots=10)
    with pytest.raises(DataError, match="holds neither 10way_20shot nor 10way20shot"):
        fold_paths(tmp_path, ways=10, shots=20)
