"""All six tasks from their own trees to one table: miniatures, stores, an encoder, a results folder, a comparison."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from randquant.cli.command import run
from randquant.data_prep.synthetic.sounds.nsynth import write_nsynth
from randquant.data_prep.synthetic.sounds.speech_commands import write_speech_commands
from randquant.data_prep.synthetic.sounds.us8k import write_us8k
from randquant.data_prep.synthetic.sounds.voxceleb1 import write_voxceleb1
from randquant.data_prep.synthetic.sounds.voxforge import write_voxforge
from randquant.files.atomic import read_json
from randquant.scripts.compare import arguments, compare
from randquant.scripts.prepare import COMMANDS
from randquant.scripts.probe_audio import probe

pytestmark = pytest.mark.long

TASKS = ("ns", "us8k", "vc1", "vf", "spcv2", "spcv2-12")
UNITS = {"nsynth": 4.0, "us8k": 4.0, "voxceleb1": 8.2, "voxforge": 5.8, "spcv2": 1.0, "spcv2-12": 1.0}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every task prepared from a miniature in the real one's tree."""
    raw, stores = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("stores")
    write_nsynth(raw / "nsynth", train_instruments=2, held_out_instruments=1, notes_per_instrument=2)
    words = write_speech_commands(raw / "words", train_speakers=3, held_out_speakers=1, test_clips=2)
    roots = {
        "nsynth": raw / "nsynth",
        "us8k": write_us8k(raw / "us8k", slices_per_class=1),
        "voxceleb1": write_voxceleb1(raw / "voxceleb1", speakers=5, utterances_per_video=2, seconds=(1.0, 1.5)),
        "voxforge": write_voxforge(raw / "voxforge", speakers_per_language=6, recordings=1),
        "spcv2": words,
        "spcv2-12": words,
    }
    for name, root in roots.items():
        assert run(COMMANDS, [name, "--root", str(root), "--out", str(stores / name)]) == 0
    return stores


def results(stores: Path, out: Path, checkpoint: str, protocol: str, tasks: tuple[str, ...] = TASKS) -> dict:
    words = ["--checkpoint", checkpoint, "--stores", stores, "--protocol", protocol, "--seeds", "2", "--out", out]
    assert run(probe, [*map(str, words), "--cache", str(stores / ".features"), "--task", *tasks]) == 0
    return {facts["task"]: facts for facts in read_json(out / "results.json")["results"]}


def test_six_tasks_from_their_trees_to_a_table(
    stores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = results(stores, tmp_path / "one", "untrained:AudioNTT2020:256", "byola-v1")
    for task, facts in found.items():
        assert facts["unit_seconds"] == UNITS[task]
        assert facts["accuracy"] > facts["majority_floor"] + 0.05, f"{task}: its sounds carry the label"
        assert facts["data"]["complete"] is False, "a miniature never passes for the whole"
        assert facts["data"]["split_source"]
    assert len(found["us8k"]["folds"]) == 10
    answered = pq.read_table(tmp_path / "one" / "predictions.parquet")
    assert set(answered["task"].to_pylist()) == set(UNITS)
    assert "not the published number of items" in (tmp_path / "one" / "table.md").read_text()

    other = results(stores, tmp_path / "other", "untrained:AudioNTT2020:32", "evar", ("vf", "spcv2-12"))
    assert {task: facts["learning_rate"] for task, facts in other.items()} == {"voxforge": 1e-4, "spcv2-12": 3e-4}
    capsys.readouterr()
    assert run(compare, arguments([str(tmp_path / "one"), str(tmp_path / "other")])) == 0
    shown = capsys.readouterr().out
    assert all(task in shown for task in UNITS)
