"""A table from a made-up file to a comparison of results, by the commands as they are typed."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from randquant.cli.command import run
from randquant.data.store import Store
from randquant.files.atomic import read_json
from randquant.scripts import compare, doctor, prepare
from randquant.scripts.embed import embed
from randquant.scripts.pretrain_table import pretrain_table
from randquant.scripts.probe_table import probe_table


def test_from_a_file_to_a_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANDQUANT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    table = "table --csv raw/customers.csv --label plan --out store"
    assert run(prepare.COMMANDS, ["synthetic-table", "--out", "raw", "--rows", "300"]) == 0
    assert run(prepare.COMMANDS, table.split()) == 0
    assert run(prepare.COMMANDS, table.split()) == 0
    assert "store is complete already" in capsys.readouterr().out
    small = "--steps 2 --batch_size 32 --width 1 --hidden_size 16 --accelerator cpu --mix mixup --monitor store"
    assert run(pretrain_table, f"--data store --out run {small}".split()) == 0
    for checkpoint in ("run", "untrained:MLP:1"):
        asked = "--task store --probes ridge knn --baselines raw --device cpu --robustness"
        assert run(probe_table, f"--checkpoint {checkpoint} --out {checkpoint[:3]}-results/ {asked}".split()) == 0
    said = capsys.readouterr().out
    assert "raw columns, by ridge regression" in said
    assert run(compare.compare, ["--runs", "run-results", "unt-results", "--probe", "ridge"]) == 0
    assert "probe ridge, accuracy in %" in capsys.readouterr().out
    assert run(compare.compare, ["--runs", "run-results", "unt-results", "--changed"]) == 0
    assert ", missing 0.3" in capsys.readouterr().out


def test_rows_become_a_table_of_embeddings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw, store, out = tmp_path / "raw", tmp_path / "store", tmp_path / "rows.parquet"
    classifier, results = tmp_path / "plan.safetensors", tmp_path / "results.json"
    assert run(prepare.COMMANDS, ["synthetic-table", "--out", str(raw), "--rows", "300"]) == 0
    words = ["table", "--csv", str(raw / "customers.csv"), "--label", "plan", "--out", str(store)]
    assert run(prepare.COMMANDS, words) == 0
    encoder = ["--checkpoint", "untrained:MLP:1"]
    asked = ["--task", str(store), "--probes", "ridge", "--out", str(results), "--cache", str(tmp_path)]
    assert run(probe_table, [*encoder, *asked, "--save_classifier", str(classifier), "--device", "cpu"]) == 0
    assert run(embed, [*encoder, "--input", str(store), "--out", str(out)]) == 0
    plain = pq.read_table(out)
    assert plain.column_names == ["path", "label", "embedding"]
    truth = Store.open(store).column("label")
    assert plain["label"].to_pylist() == truth
    assert run(embed, [*encoder, "--input", str(store), "--out", str(out), "--classify", str(classifier)]) == 0
    answered = pq.read_table(out)
    assert answered["embedding"].equals(plain["embedding"])
    tested = Store.open(store).select("test")
    right = [answered["label"][int(item)].as_py() == truth[int(item)] for item in tested]
    assert np.mean(right) == pytest.approx(read_json(results)["accuracy"])
    assert run(embed, [*encoder, "--input", str(raw), "--out", str(out)]) == 1
    assert "prepare table" in capsys.readouterr().err


def test_a_part_of_covtype_is_examined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(prepare.COMMANDS, ["synthetic-covtype", "--out", str(tmp_path), "--rows", "200"]) == 0
    assert run(doctor.COMMANDS, ["covtype", "--root", str(tmp_path)]) == 0
    assert "partial: 200 of 581,012 rows can be used" in capsys.readouterr().out
    assert run(prepare.COMMANDS, ["covtype", "--root", str(tmp_path / "none"), "--out", str(tmp_path / "s")]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_errors_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("x,label\n1,a\n2,b\n")
    given = ["--csv", str(tmp_path / "t.csv"), "--out", str(tmp_path / "s")]
    for flags, code, said in (
        (["--label", "lable"], 1, "did you mean label"),
        (["--label", "label"], 1, "a value of its own in nearly every row"),
        (["--label", "label", "--valid", "0.6", "--test", "0.6"], 2, "leave nothing to train on"),
    ):
        assert run(prepare.COMMANDS, ["table", *given, *flags]) == code
        assert said in capsys.readouterr().err
