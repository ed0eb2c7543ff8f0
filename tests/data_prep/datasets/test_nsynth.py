"""NSynth's tree is read as unpacked: labels from examples.json, splits from the folders."""

import json
import shutil
from pathlib import Path

import pytest

from randquant.data_prep.datasets.nsynth import plan_nsynth
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.synthetic.sounds.notes import FAMILIES
from randquant.data_prep.synthetic.sounds.nsynth import write_nsynth
from randquant.errors import DataError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three instruments' notes, without samples, as planning reads none."""
    for split, name in (
        ("train", "bass_synthetic_000"),
        ("valid", "bass_synthetic_001"),
        ("test", "organ_electronic_000"),
    ):
        folder = tmp_path / f"nsynth-{split}"
        (folder / "audio").mkdir(parents=True)
        notes = {}
        for pitch in (61, 60):
            note = f"{name}-{pitch:03d}-100"
            notes[note] = {"instrument_family_str": name.split("_")[0], "instrument_str": name}
            (folder / "audio" / f"{note}.wav").write_bytes(b"123")
        (folder / "examples.json").write_text(json.dumps(notes))
    return tmp_path


def test_labels_groups_and_splits(tree: Path) -> None:
    items = plan_nsynth(tree).items
    assert [item.split for item in items] == ["train"] * 2 + ["valid"] * 2 + ["test"] * 2
    assert items[0].path == "nsynth-train/audio/bass_synthetic_000-060-100.wav"
    assert (items[5].label, items[5].group) == ("organ", "organ_electronic_000")
    source = plan_nsynth(tree).source
    assert source["found"] == {"train": 2, "valid": 2, "test": 2}
    assert source["published"] == {"train": 289_205, "valid": 12_678, "test": 4_096}
    assert (source["classes_found"], source["classes_published"]) == (2, 11)


def test_missing_splits_are_told(tree: Path) -> None:
    shutil.rmtree(tree / "nsynth-valid")
    plan = plan_nsynth(tree)
    assert len(plan.items) == 4
    assert plan.source["missing_splits"] == ["valid"]
    assert plan.source["found"]["valid"] == 0


def test_a_note_without_a_file_is_reported(tmp_path: Path) -> None:
    write_nsynth(tmp_path / "nsynth", train_instruments=1, held_out_instruments=1, notes_per_instrument=1)
    gone = sorted((tmp_path / "nsynth" / "nsynth-test" / "audio").iterdir())[0]
    gone.unlink()
    (gone.parent / "other.wav").write_bytes(b"123")
    plan = plan_nsynth(tmp_path / "nsynth")
    assert plan.missing == [f"nsynth-test/audio/{gone.name}"]
    assert (plan.source["missing"], plan.source["unlisted"]) == (1, 1)
    assert plan.source["found"] == {"train": 11, "valid": 10, "test": 9}
    store = prepare(plan, tmp_path / "store")
    assert [entry["path"] for entry in store.info["skipped"]] == [f"nsynth-test/audio/{gone.name}"]
    assert len(store) == len(FAMILIES) + 2 * (len(FAMILIES) - 1) - 1


def test_refused(tree: Path) -> None:
    with pytest.raises(DataError, match="none of nsynth-train, nsynth-valid, nsynth-test"):
        plan_nsynth(tree / "nsynth-train")
    with pytest.raises(DataError, match=f"give --root {tree}$"):
        plan_nsynth(tree / "nsynth-train")
    with pytest.raises(DataError, match="does not exist"):
        plan_nsynth(tree / "absent")
    (tree / "nsynth-test" / "examples.json").write_text('{"x": {"pitch": 3}}')
    with pytest.raises(DataError, match="lacks instrument_family_str"):
        plan_nsynth(tree)
    (tree / "nsynth-test" / "examples.json").write_text('{"x": {"pit')
    with pytest.raises(DataError, match=r"examples\.json"):
        plan_nsynth(tree)
    (tree / "nsynth-test" / "examples.json").unlink()
    with pytest.raises(DataError, match=r"examples\.json does not exist"):
        plan_nsynth(tree)
    shutil.rmtree(tree / "nsynth-test" / "audio")
    with pytest.raises(DataError, match="no folder audio"):
        plan_nsynth(tree)
