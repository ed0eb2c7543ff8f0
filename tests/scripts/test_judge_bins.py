"""The study of numbers of bins: what is kept, and what scores are compared with."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from randquant.cli.command import run
from randquant.data_prep.tables.prepare import prepare_table
from randquant.data_prep.tables.settings import OwnTable
from randquant.scripts import judge_bins as command
from randquant.scripts.pretrain_table import pretrain_table
from randquant.scripts.studies import bins
from randquant.scripts.studies.bins import MOMENTS

FLAGS = ["width=1", "batch_size=8", "steps=2", "hidden_size=8", "projection_size=8", "accelerator=cpu", "logger=csv"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out, draw = tmp_path_factory.mktemp("table") / "store", np.random.default_rng(0)
    rows = [f"{draw.normal() + number % 2:.3f},{draw.normal():.3f},{'ab'[number % 2]}" for number in range(60)]
    file = out.with_suffix(".csv")
    file.write_text("\n".join(["x,y,kind", *rows]) + "\n")
    prepare_table(OwnTable(out, csv=file, label="kind").plan(), out)
    return out


def judged(table: Path, out: Path, *words: str) -> int:
    words = ("--data", str(table), "--task", str(table), "--out", str(out), "--seeds", "1", *words)
    return run(command.judge_bins, [*words, "--settings", *FLAGS])


def test_a_study_keeps_trainings_that_scores_do_not_change(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (command, bins):
        monkeypatch.setattr(module, "BINS", (2, 16))
    assert judged(table, tmp_path / "study") == 0
    said = capsys.readouterr().out.partition("probe ")[2]
    assert "common identified" in said
    assert "behind the best" in said
    rows = list(csv.DictReader((tmp_path / "study" / "bins.csv").read_text().splitlines()))
    assert [row["bins"] for row in rows] == ["2", "16"]
    assert rows[0]["common rank, untrained"] == rows[1]["common rank, untrained"]
    assert rows[1]["common rank, the end"] == rows[1]["own rank, the end"] != rows[1]["own rank, untrained"]
    words = [word for flag in FLAGS for word in (f"--{flag.split('=')[0]}", flag.split("=")[1])]
    alone = tmp_path / "alone"
    assert run(pretrain_table, ["--data", str(table), "--out", str(alone), "--rq_bins", "2", *words]) == 0
    kept = load_file(tmp_path / "study" / "runs" / "2-seed42" / "encoder.safetensors")
    assert all(torch.equal(each, kept[name]) for name, each in load_file(alone / "encoder.safetensors").items())

    def never(*given: Any) -> None:
        raise AssertionError("scored twice")

    monkeypatch.setattr(bins, "_watched", never)
    assert judged(table, tmp_path / "study") == 0
    assert capsys.readouterr().out.partition("probe ")[2] == said
    (tmp_path / "study" / "scores" / "2-seed42.json").unlink()
    assert judged(table, tmp_path / "study") == 1
    assert "was trained without scores" in capsys.readouterr().err


def test_spearman_and_regret_are_of_the_means_over_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "BINS", (2, 4, 8))

    def scores(value: float) -> bins.Scores:
        return {moment: {"good": value, "bad": -value, "flat": 1.0} for moment in MOMENTS}

    arms = [[scores(value) for value in (1.0, 2.0, 3.0)], [scores(value) for value in (3.0, 2.0, 4.0)]]
    found = command.Judged("task", arms, np.array([[0.5, 0.6, 0.9], [0.5, 0.3, 0.7]]))
    assert found.spearman("the end", "good") == pytest.approx(0.866, abs=1e-3)
    assert found.regret("the end", "good") == 0
    assert found.regret("the end", "bad") == pytest.approx(0.35)
    assert found.spearman("the end", "flat") is None
    assert found.regret("the end", "flat") is None
    assert found.agreement() == pytest.approx(0.5)
    assert found.lines()[-1].endswith("Spearman of 0.50")
    assert command.Judged("task", arms[:1], found.accuracies[:1]).agreement() is None


def test_what_cannot_be_is_refused_before_anything_is_trained(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(table, tmp_path / "study", "--seeds", "0") == 2
    assert "--seeds 0" in capsys.readouterr().err
    assert judged(table, tmp_path / "study", "--task", str(tmp_path)) == 1
    (tmp_path / "none.yaml").write_text("augment: none\n")
    assert judged(table, tmp_path / "study", "--recipe", str(tmp_path / "none.yaml")) == 2
    assert "no numbers of bins to judge" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_a_study_is_not_lengthened(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its scores and results are those of the trainings as they were."""
    for module in (command, bins):
        monkeypatch.setattr(module, "BINS", (2,))
    words = ("--out", str(tmp_path / "study"), "--seeds", "1", "--settings", *FLAGS, "schedule=constant")
    typed = ["--data", str(table), "--task", str(table), *words]
    assert run(command.judge_bins, typed) == 0
    capsys.readouterr()
    assert run(command.judge_bins, [*typed, "steps=4"]) == 2
    assert "steps was 2 and is now 4" in capsys.readouterr().err
