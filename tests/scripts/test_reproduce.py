"""Rows of all modalities run again: equal, or it is said what differs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from randquant.cli.command import run
from randquant.data.store import StoreWriter
from randquant.files.atomic import read_json, write_json
from randquant.scripts import prepare
from randquant.scripts.evaluate_modelnet import evaluate
from randquant.scripts.pretrain_table import pretrain_table
from randquant.scripts.probe_audio import probe as probe_audio
from randquant.scripts.probe_images import probe as probe_images
from randquant.scripts.probe_table import probe_table
from randquant.scripts.reproduce import arguments, reproduce
from tests.images.stores import task as pictures

SMALL = ["--batch_size", "32", "--width", "1", "--hidden_size", "16", "--accelerator", "cpu", "--log_every", "1"]
Said = pytest.CaptureFixture[str]


def again(*words: object) -> int:
    return run(reproduce, arguments([str(word) for word in words]))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table's store, a run on it and results of the run, in a folder and in a file."""
    folder = tmp_path_factory.mktemp("table")
    store, trained, words = folder / "store", folder / "run", ["--probes", "ridge", "knn", "--device", "cpu"]
    assert run(prepare.COMMANDS, ["synthetic-table", "--out", str(folder / "raw"), "--rows", "300"]) == 0
    raw = ["table", "--csv", str(folder / "raw" / "customers.csv"), "--label", "plan", "--out", str(store)]
    assert run(prepare.COMMANDS, raw) == 0
    assert run(pretrain_table, ["--data", str(store), "--out", str(trained), "--steps", "3", *SMALL]) == 0
    for out in ("results/", "results.json"):
        flags = ["--checkpoint", str(trained), "--task", str(store), "--cache", str(folder / "cache")]
        assert run(probe_table, [*flags, "--out", f"{folder}/{out}", *words, "--baselines", "raw"]) == 0
    return folder


@pytest.fixture
def copy(table: Path, tmp_path: Path) -> Path:
    """A copy to change; its records name the first one's paths."""
    return Path(shutil.copytree(table, tmp_path / "copy"))


@pytest.mark.parametrize("results", ["results", "results.json"])
def test_equal(table: Path, results: str, tmp_path: Path, capsys: Said) -> None:
    assert again(table / results, "--out", tmp_path / "out", "--fresh") == 0
    assert "4 rows: 4 equal" in capsys.readouterr().out
    assert (tmp_path / "out" / "features").is_dir()
    assert again(table / results, "--only", "table/knn", "raw-ridge", "--cache", table / "cache") == 0
    assert "2 rows: 2 equal" in capsys.readouterr().out


def test_a_changed_number_is_told(copy: Path, capsys: Said) -> None:
    for name in ("results/results.json", "results.json"):
        record = read_json(copy / name)
        entry = record["results"][1] if "results" in record else record["knn"]
        entry["accuracy"] = 0.125
        write_json(copy / name, record)
    for name in ("results", "results.json"):
        assert again(copy / name, "--cache", copy / "cache") == 1
        said = capsys.readouterr().out
        assert "table knn: accuracy 0.125 -> " in said
        assert "predictions are equal, so these numbers were changed" in said
        assert "4 rows: 3 equal, 1 differs" in said
    record = json.loads((copy / "results" / "results.json").read_text())
    record["results"][0]["versions"]["torch"] = "1.0"
    record["results"][0]["predictions_sha256"] = "0" * 64
    write_json(copy / "results" / "results.json", record)
    assert again(copy / "results", "--only", "ridge", "--cache", copy / "cache") == 1
    said = capsys.readouterr().out
    assert "computed otherwise: versions.torch 1.0 -> " in said
    assert "does not hold the predictions that results.json was counted from" in said


def test_other_weights_and_other_data_are_told(copy: Path, table: Path, capsys: Said) -> None:
    shutil.rmtree(copy / "run")
    flags = ["--data", str(copy / "store"), "--steps", "1", "--out", str(copy / "run")]
    assert run(pretrain_table, [*flags, *SMALL]) == 0
    moved = f"{table}={copy}"
    assert again(copy / "results", "--data", moved, "--cache", copy / "cache") == 1
    said = capsys.readouterr().out
    assert "table ridge: checkpoint.sha256 " in said
    assert "raw-ridge: checkpoint.sha256" in said
    shutil.rmtree(copy / "store")
    rows = (copy / "raw" / "customers.csv").read_text().splitlines()[:250]
    (copy / "raw" / "customers.csv").write_text("\n".join(rows))
    raw = ["table", "--csv", str(copy / "raw" / "customers.csv"), "--label", "plan", "--out", str(copy / "store")]
    assert run(prepare.COMMANDS, raw) == 0
    moved = f"{table / 'store'}={copy / 'store'}"
    assert again(copy / "results", "--data", moved, "--only", "raw-knn", "--cache", copy / "cache") == 1
    said = capsys.readouterr().out
    assert "table raw-knn: store.content_hash " in said
    assert "other items were answered" in said


def test_what_is_missing_is_named(copy: Path, table: Path, capsys: Said) -> None:
    record = read_json(copy / "results.json")
    record["store"]["path"] = "/elsewhere/store"
    write_json(copy / "results.json", record)
    assert again(copy / "results.json") == 1
    assert "if it was moved, give --data /elsewhere/store=WHERE_IT_IS" in capsys.readouterr().out
    assert again(copy / "results.json", "--data", f"/elsewhere={table}", "--cache", table / "cache") == 0
    record["store"]["path"], record["checkpoint"]["path"] = "store", "run"
    write_json(copy / "results.json", record)
    assert again(copy / "results.json", "--cache", table / "cache") == 0, "found beside the record"
    del record["command"]
    write_json(copy / "results.json", record)
    assert again(copy / "results.json") == 1
    said = capsys.readouterr().out
    assert "does not name its command" in said
    assert "python -m scripts.probe_table --checkpoint run --task store --probes ridge knn --seed 42" in said
    record["command"] = {"name": "probe_table", "settings": {"sharpness": 3}}
    write_json(copy / "results.json", record)
    assert again(copy / "results.json") == 1
    assert "sharpness is not known here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["/nowhere"], 1, "does not exist"),
        (["results.json", "--only", "svm"], 2, "it holds: table/ridge"),
        (["results.json", "--data", "store"], 2, "OLD=NEW"),
        (["results.json", "--data", "store=/nowhere"], 2, "/nowhere does not exist"),
        (["results.json", "--out", "store"], 2, "lies in the prepared store"),
        (["raw/customers.csv"], 1, "customers.csv"),
        (["run"], 2, "give --out"),
        (["run", "--out", "run"], 2, "give a new folder"),
        (["run", "--fresh"], 2, "leave them out"),
    ],
)
def test_what_is_refused(
    words: list[str], code: int, says: str, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(table)
    assert again(*words) == code
    assert says in capsys.readouterr().err


def test_a_training_again(copy: Path, tmp_path: Path, capsys: Said) -> None:
    log = copy / "run" / "log.csv"
    header, *rows = log.read_text().splitlines()
    log.write_text("\n".join([header, *(f"{row.rpartition(',')[0]},3725.4" for row in rows), ""]))
    assert again(copy / "run", "--out", tmp_path / "same") == 0
    said = capsys.readouterr()
    assert "training again, 3 steps of 32, which took 1:02:05 h" in said.err
    assert "hold the same encoder" in said.out
    config = copy / "run" / "config.yaml"
    config.write_text(config.read_text().replace("seed: 42", "seed: 43"))
    assert again(copy / "run", "--out", tmp_path / "other") == 1
    assert "tensors differ, by up to" in capsys.readouterr().out
    (copy / "run" / "encoder.safetensors").unlink()
    assert again(copy / "run", "--out", tmp_path / "third") == 1
    assert "is not finished" in capsys.readouterr().err


def sounds(out: Path) -> Path:
    """Noise of two loudnesses."""
    writer, generator = StoreWriter(out, kind="audio", plan="sounds"), np.random.default_rng(0)
    with writer.begin(), writer.shard(0) as shard:
        for number in range(16):
            samples = generator.integers(1, (30_000, 300)[number % 2], 4_000 + 500 * number).astype(np.int16)
            split = f"fold{1 + number // 2 % 2}"
            shard.append([samples], {"path": f"{number}", "label": "ab"[number % 2], "group": None, "split": split})
    with writer.begin():
        writer.finish(1, {"sample_rate": 16_000})
    return out


def shapes(out: Path) -> Path:
    """Balls and boxes."""
    writer, generator = StoreWriter(out, kind="points", plan="shapes"), np.random.default_rng(0)
    with writer.begin(), writer.shard(0) as shard:
        for number in range(32):
            cloud = generator.normal(size=(48, 3))
            cloud /= (np.linalg.norm(cloud, axis=1) if number % 2 else abs(cloud).max(axis=1))[:, None]
            split = ("train", "train", "valid", "test")[number // 2 % 4]
            about = {"path": f"{number}", "label": "ab"[number % 2], "group": None, "split": split}
            shard.append([cloud.astype(np.float32)], about)
    with writer.begin():
        writer.finish(1, {"channels": ["x", "y", "z"], "points": 48, "up": "z", "sampling": "area"})
    return out


@pytest.mark.parametrize(
    ("write", "command", "flags"),
    [
        (
            sounds,
            probe_audio,
            "--checkpoint untrained:AudioNTT2020:32 --task store --probes linear knn --seeds 2 --layer "
            "conv --learning_rates 1e-2 1e-3 --unit_seconds 0.3 --statistics_scope fold --protocol evar --seed 7",
        ),
        (
            shapes,
            evaluate,
            "--checkpoint untrained:PointNetLite:16 --store store --probes svm knn --points 32 --strengths 0.1 1 "
            "--standardise false --seeds 2 --robustness --finetune --finetune_epochs 1 --votes 0",
        ),
        (
            lambda out: pictures(out).path,
            probe_images,
            "--checkpoint untrained:small_cnn:0.5 --task store --probes ridge fewshot --image_size 16 --seed 3 "
            "--statistics task",
        ),
    ],
    ids=["sounds", "shapes", "pictures"],
)
def test_every_setting_of_a_command_is_kept(
    write: Callable[[Path], Path],
    command: Callable[..., None],
    flags: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "store")
    assert run(command, [*flags.split(), "--out", "results/", "--cache", "cache", "--device", "cpu"]) == 0
    capsys.readouterr()
    torch.manual_seed(1)
    assert again("results", "--fresh") == 0, capsys.readouterr().out
    held = read_json(tmp_path / "results" / "results.json")["results"]
    assert f"{len(held)} rows: {len(held)} equal" in capsys.readouterr().out
