"""Examples of a store: mistakes, neighbours, and what does not fit or is gone."""

import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.audio.excerpt import excerpts
from randquant.data.features import Items, cached
from randquant.data.kept_features import kept_features
from randquant.data.store import Store, StoreWriter
from randquant.report.comparison import tasks_of
from randquant.report.encoders import side_by_side
from randquant.report.examples import Examples, examples_of
from randquant.report.inputs import open_inputs
from randquant.report.modality import Reported
from randquant.report.report import Asked, report
from randquant.report.sections.mistakes import found_mistakes
from randquant.results.record import Result
from tests.randquant.report.probed import CLASSES, folder

COUNT = 36


def recordings(path: Path) -> Store:
    writer, generator = StoreWriter(path, kind="audio", plan="test"), np.random.default_rng(0)
    with writer.begin(), writer.shard(0) as shard:
        for item in range(COUNT):
            samples = generator.integers(-9_000, 9_000, 4_000).astype(np.int16)
            split = "test" if item < COUNT // 2 else "train"
            shard.append([samples], {"path": f"{item}.wav", "label": CLASSES[item % 3], "split": split})
    with writer.begin():
        return writer.finish(1, {"sample_rate": 16_000, "source": {}})


def features(cache: Path, store: Store, weights: str, **settings: Any) -> np.ndarray:
    """Kept vectors in which every class has a direction of its own."""
    vectors = np.eye(4, dtype=np.float32)[np.arange(COUNT) % 3] + 0.1
    vectors += np.random.default_rng(1).normal(scale=0.05, size=vectors.shape).astype(np.float32)
    items = Items(*(store.column(name) for name in ("path", "label", "group", "split")))
    wanted = {"weights": weights, "store": store.content_hash, **settings}
    cached(cache, wanted, items, 4, lambda batch: batch, lambda start: [torch.from_numpy(vectors[start:])])
    return vectors


@pytest.fixture
def probed(tmp_path: Path) -> Path:
    store = recordings(tmp_path / "store")
    features(tmp_path / "features", store, f"{3:064x}", layer="output")
    ids = [f"{item}.wav" for item in range(COUNT // 2)]
    return folder(
        tmp_path / "results", share=0.5, draw=3, ids=ids, store=str(store.path), content_hash=store.content_hash
    )


def opened(path: Path) -> Examples:
    (task,) = tasks_of(side_by_side(open_inputs([str(path)])[0]))
    found = examples_of(task, [path.parent / "features"])
    assert found is not None
    return found


def test_kept_features_are_those_of_encoder_and_store(tmp_path: Path) -> None:
    store = recordings(tmp_path / "store")
    vectors = features(tmp_path / "cache", store, "w", layer="output")
    wanted = {"weights": "w", "store": store.content_hash}
    found = kept_features([tmp_path / "absent", tmp_path / "cache"], wanted)
    assert found is not None
    assert (found.vectors == vectors).all()
    assert kept_features([tmp_path / "cache"], {**wanted, "layer": "other"}) is None
    (file,) = (tmp_path / "cache").glob("*/vectors.npy")
    np.save(file, vectors + 1)
    assert kept_features([tmp_path / "cache"], wanted) is None


def test_neighbours_are_those_of_a_plain_search(probed: Path) -> None:
    examples = opened(probed)
    assert examples.features is not None
    cosines = examples.features @ examples.features.T
    (found,) = examples.nearest([4], 5, trained=False)
    expected = [row for row in np.argsort(-cosines[4], kind="stable") if row != 4][:5]
    assert [row for row, _ in found] == expected
    (trained,) = examples.nearest([4], COUNT, trained=True)
    assert {examples.splits[row] for row, _ in trained} == {"train"}
    # The directions are those of the labels, so the neighbours support the right answer and no other.
    right, wrong = examples.support(["4.wav", "4.wav"], [CLASSES[1], CLASSES[2]])
    assert right is not None
    assert wrong is not None
    assert right > 0.9 > 0.1 > wrong


def test_mistakes_are_wrong_and_the_surest_first(probed: Path) -> None:
    examples = opened(probed)
    answers, found = examples.candidate.answers, found_mistakes(examples)
    assert answers is not None
    assert len(found) == int((~answers.right[0]).sum())
    assert all(each.answer != answers.labels[each.place] for each in found)
    assert [each.sureness for each in found] == sorted((each.sureness for each in found), reverse=True)


def test_the_page_has_sounds_until_its_budget_ends(probed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sounding = Reported("audio", "recordings", Result, lambda result: {}, excerpts)
    monkeypatch.setattr("randquant.report.inputs.modality_of", lambda result: sounding)
    asked = Asked([str(probed)], caches=[probed.parent / "features"], projection="pca")
    made = report(asked)
    sounds = re.findall(r'src="data:audio/mpeg;base64,([^"]+)"', made.html)
    assert len(sounds) > 20
    assert all(b64decode(sound) for sound in sounds)
    assert made.notes == []
    small = report(Asked(**{**vars(asked), "budget": 130_000}))
    assert len(small.html.encode()) <= 130_000
    assert any("did not fit" in note for note in small.notes)
    assert small.html.count("not shown") > 5


def test_a_store_that_is_gone_is_said(probed: Path) -> None:
    (probed.parent / "store" / "store.json").unlink()
    html = report(Asked([str(probed)], projection="pca")).html
    assert "The items are not shown" in html
    assert "are not in the cache" in html


def test_what_is_not_shown_is_said_of_an_encoder_without_mistakes(tmp_path: Path) -> None:
    results = folder(tmp_path / "results", share=1.0, store=str(tmp_path / "gone"), content_hash="0")
    made = report(Asked([str(results)], projection="pca"))
    assert "makes none here" in made.html
    assert "The items are not shown" in made.html
    assert [note for note in made.notes if "are not in the cache" in note]
