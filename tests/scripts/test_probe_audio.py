"""From a labelled store to a number, as typed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from randquant.audio.encoders.weights import save_encoder, untrained_encoder
from randquant.audio.evaluation.tasks import SWEPT_RATES
from randquant.cli.command import run
from randquant.data.features import default_cache
from randquant.data.kept_features import kept_features
from randquant.data.store import StoreWriter
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.own_files.labelled import plan_labelled
from randquant.results.folder import read_report
from randquant.results.predictions import answers
from randquant.scripts.embed import embed
from randquant.scripts.probe_audio import probe

ENCODER = "untrained:AudioNTT2020:32"


def write_task(folder: Path, *, valid: bool = True) -> Path:
    """Tones of three pitches in noise: a task that any features solve."""
    generator = np.random.default_rng(0)
    (folder / "raw").mkdir(parents=True)
    rows = ["path,label,split"]
    for index in range(48):
        pitch = index % 3
        time = np.arange(generator.integers(6_000, 12_000)) / 16_000
        tone = 0.5 * np.sin(2 * np.pi * (300, 1200, 4000)[pitch] * time) + 0.01 * generator.normal(size=len(time))
        soundfile.write(folder / "raw" / f"{index}.wav", tone, 16_000)
        split = "train" if index < 30 else "valid" if index < 39 and valid else "test"
        rows.append(f"{index}.wav,pitch {pitch},{split}")
    (folder / "task.csv").write_text("\n".join(rows))
    prepare(plan_labelled(folder / "task.csv", folder / "raw"), folder / "tones", workers=1)
    return folder / "tones"


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_task(tmp_path_factory.mktemp("task"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def command(task: Path, out: Path, cache: Path, *more: str, checkpoint: str = ENCODER) -> int:
    flags = ["--checkpoint", checkpoint, "--task", str(task), "--out", str(out), "--cache", str(cache)]
    return run(probe, [*flags, "--device", "cpu", *more])


def test_numbers_and_where_they_come_from(
    task: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "probe.json"
    assert (
        command(task, out, cache, "--probes", "linear", "knn", "--seeds", "3", "--learning_rates", "1e-2", "1e-3") == 0
    )
    result = json.loads(out.read_text())
    assert result["task"] == "tones"
    assert result["accuracy"] == 1.0
    assert result["ci95"] == 0.0
    assert result["knn"]["accuracy"] == 1.0
    assert result["protocol"]["name"] == "byola-v1"
    assert result["split_counts"] == {"train": 30, "valid": 9, "test": 9, "unused": 0}
    assert result["unit_seconds"] == pytest.approx(0.6)
    assert len(result["accuracies"]) == 3
    assert result["settings"]["learning_rates"] == [1e-2, 1e-3]
    assert len(result["checkpoint"]["sha256"]) == len(result["store"]["content_hash"]) == 64
    assert result["store"]["source"]["dataset"] == "labelled"
    assert result["front_end"]["mel"] == "slaney"
    assert "task's training items" in result["statistics"]["source"]
    printed = capsys.readouterr().out
    assert "tones  1.0000 ± 0.0000" in printed
    assert "nearest neighbours" in printed


def test_a_second_probe_gives_the_same(task: Path, cache: Path, tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        assert command(task, tmp_path / name, cache) == 0
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one.json", "two.json"))
    one.pop("seconds"), two.pop("seconds")
    assert one == two


def test_features_of_each_precision_are_kept_apart(task: Path, tmp_path: Path) -> None:
    found = {}
    for precision, kept_as in (("32", None), ("bf16", "bf16")):  # 32 has the key of earlier versions
        out = tmp_path / f"{precision}.json"
        assert command(task, out, tmp_path / "cache", "--probes", "ridge", "--precision", precision) == 0
        result = json.loads(out.read_text())
        assert result["precision"] == precision
        wanted = {"weights": result["checkpoint"]["sha256"], "precision": kept_as}
        kept = kept_features([tmp_path / "cache"], wanted)
        assert kept is not None
        found[precision] = kept.vectors
    assert 0 < np.abs(found["32"] - found["bf16"]).max() < 0.05 * np.abs(found["32"]).max()


def test_weights_and_the_untrained_name_agree(task: Path, cache: Path, tmp_path: Path) -> None:
    loaded = untrained_encoder("AudioNTT2020", 32, seed=42)
    weights = tmp_path / "encoder.safetensors"
    save_encoder(weights, loaded.encoder, front_end=loaded.front_end, mean=-7.0, std=4.0, metadata={})
    assert command(task, tmp_path / "a.json", cache) == 0
    assert command(task, tmp_path / "b.json", cache, checkpoint=str(weights)) == 0
    a, b = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert a["accuracies"] == b["accuracies"]
    assert a["statistics"] == b["statistics"], "the task's, whatever the checkpoint carries"


def test_several_tasks_without_validation(cache: Path, task: Path, tmp_path: Path) -> None:
    other = write_task(tmp_path / "other", valid=False)
    out = tmp_path / "both.json"
    flags = ["--checkpoint", ENCODER, "--task", str(task), str(other), "--out", str(out), "--cache", str(cache)]
    assert run(probe, [*flags, "--protocol", "evar", "--learning_rates", "0.01", "--device", "cpu"]) == 0
    results = json.loads(out.read_text())["results"]
    assert [result["counts"]["valid"] for result in results] == [9, None]
    assert all(result["repeats"] == 3 for result in results)
    assert all(result["accuracy"] > 0.9 for result in results)


def write_folds(folder: Path, *, folds: int = 3) -> Path:
    """Tones of two pitches in folds, three short takes of each pitch a fold, prepared as UrbanSound8K would be."""
    writer = StoreWriter(folder, kind="audio", plan="folds")
    generator = np.random.default_rng(1)
    with writer.begin(), writer.shard(0) as shard:
        for index in range(6 * folds):
            time = np.arange(4_000 + 100 * index) / 16_000
            tone = np.sin(2 * np.pi * (300, 3000)[index % 2] * time) + 0.1 * generator.normal(size=len(time))
            columns = {
                "path": f"{index}.wav",
                "label": "ab"[index % 2],
                "group": None,
                "split": f"fold{index // 6 + 1}",
            }
            shard.append([(8_000 * tone).astype(np.int16)], columns)
    source = {"dataset": "us8k", "published": {"all": 8732}, "split_source": "official folds"}
    with writer.begin():
        writer.finish(1, {"sample_rate": 16_000, "source": source})
    return folder


@pytest.fixture(scope="module")
def stores(task: Path) -> Path:
    """A folder of stores: `tones` with splits, `urban` with folds."""
    write_folds(task.parent / "urban")
    return task.parent


def into_folder(stores: Path, out: Path, cache: Path, *more: str, tasks: tuple[str, ...] = ("us8k", "tones")) -> int:
    flags = ["--checkpoint", ENCODER, "--stores", str(stores), "--out", str(out), "--cache", str(cache)]
    flags += ["--device", "cpu", "--seeds", "2", "--unit_seconds", "0.4", "--task", *tasks]
    return run(probe, [*flags, *more])


def test_a_results_folder(stores: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results"
    assert into_folder(stores, out, cache, "--probes", "linear", "knn") == 0
    report = read_report(out)
    assert [(result.task, result.probe) for result in report.results] == [
        (task, name) for task in ("tones", "us8k") for name in ("linear", "knn")
    ]
    folds, tones = report.results[2].to_json(), report.results[0].to_json()
    assert folds["split_counts"] == {"fold1": 6, "fold2": 6, "fold3": 6, "unused": 0}
    assert [fold["test"] for fold in folds["folds"]] == [6, 6, 6]
    assert folds["data"]["differs"] == "all 18 of 8,732"
    assert folds["data"]["split_source"] == "official folds"
    assert folds["statistics"]["source"].endswith("the items of all folds")
    assert folds["protocol"]["departures"] == ["2 repeats instead of 10", "clip length given"]
    assert tones["data"]["complete"] is None
    found = answers(report.predictions(report.results[2]))
    assert found.folds == [f"fold{fold}" for fold in (1, 2, 3) for _ in range(6)]
    assert found.right.mean() == pytest.approx(folds["accuracy"])
    assert found.seeds == [42, 43]
    page = (out / "table.md").read_text()
    assert "RQ: RRC + RQ" in page
    assert "†‡" in page
    assert "US8K (all 18 of 8,732)" in capsys.readouterr().out


def test_six_days(stores: Path, cache: Path, tmp_path: Path) -> None:
    """One task a day gives the same folder as all at once, whatever the order."""
    assert into_folder(stores, tmp_path / "once", cache) == 0
    for task in ("tones", "us8k"):
        assert into_folder(stores, tmp_path / "days", cache, tasks=(task,)) == 0
    once, days = (read_report(tmp_path / name) for name in ("once", "days"))
    for one, other in zip(once.results, days.results, strict=True):
        assert replace(one, seconds=None, command=None) == replace(other, seconds=None, command=None)


def test_statistics_of_each_fold(stores: Path, cache: Path, tmp_path: Path) -> None:
    assert into_folder(stores, tmp_path / "r", cache, "--statistics_scope", "fold") == 0
    tones, folds = (result.to_json() for result in read_report(tmp_path / "r").results)
    means = {fold: found["mean"] for fold, found in folds["statistics"]["folds"].items()}
    assert list(means) == ["fold1", "fold2", "fold3"]
    assert len(set(means.values())) == 3
    assert "statistics of each fold" in folds["protocol"]["departures"]
    assert "statistics of each fold" not in tones["protocol"]["departures"]


def test_every_probe_and_a_sweep(stores: Path, cache: Path, tmp_path: Path) -> None:
    names = ["linear", "knn", "ridge", "logistic", "fewshot", "mlp"]
    flags = ["--sweep", "--protocol", "evar", "--probes", *names]
    assert into_folder(stores, tmp_path / "r", cache, *flags, tasks=("urban",)) == 0
    results = {result.probe: result.to_json() for result in read_report(tmp_path / "r").results}
    few = {"fewshot-1", "fewshot-5", "fewshot-10", "fewshot-1%", "fewshot-10%"}
    assert set(results) == {*names, *few} - {"fewshot"}
    assert results["linear"]["settings"]["learning_rates"] == list(SWEPT_RATES)
    assert results["mlp"]["settings"]["hidden"] > 0
    assert "learning rate chosen on validation from 7" in results["linear"]["protocol"]["departures"]
    assert results["linear"]["statistics"]["source"].endswith("fold1's training items, for all folds")
    assert results["ridge"]["accuracy"] > 0.9


def test_a_folder_is_of_one_encoder_and_protocol(
    stores: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert into_folder(stores, tmp_path / "r", cache, tasks=("tones",)) == 0
    for flags in (["--protocol", "evar"], ["--layer", "conv"], ["--seed", "1"]):
        assert into_folder(stores, tmp_path / "r", cache, *flags, tasks=("tones",)) == 1
        said = capsys.readouterr().err.strip()
        assert "choose another --out" in said.splitlines()[-1]
    assert into_folder(stores, tmp_path / "r", cache, tasks=("tones", "tones")) == 2


def test_a_saved_classifier_labels_recordings(
    task: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, out = tmp_path / "tones.safetensors", tmp_path / "labels.parquet"
    flags = ["--seeds", "1", "--learning_rates", "0.01", "--save_classifier", str(saved)]
    assert command(task, tmp_path / "a.json", cache, *flags) == 0
    recordings = ["--input", str(task.parent / "raw"), "--out", str(out), "--classify", str(saved), "--device", "cpu"]
    assert run(embed, ["--checkpoint", ENCODER, *recordings]) == 0
    rows = pq.read_table(out).to_pylist()
    assert list(rows[0]) == ["path", "start", "end", "seconds", "label", "probability", "embedding"]
    assert all(row["label"] == f"pitch {int(row['path'].removesuffix('.wav')) % 3}" for row in rows)
    assert all(0.3 < row["probability"] <= 1 for row in rows)
    for more, says in ((["--layer", "conv"], "layer output"), (["--seed", "1"], "fitted on features of the encoder")):
        assert run(embed, ["--checkpoint", ENCODER, *recordings, *more]) == 1
        assert says in capsys.readouterr().err
    for more, says in (
        (["--probes", "fewshot"], "fits a classifier for each draw"),
        (["--task", str(task), str(task)], "one task"),
    ):
        assert command(task, tmp_path / "b.json", cache, *flags, *more) == 2
        assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--out", "x.csv"], 2, "should end in .json"),
        (["--sweep", "--learning_rates", "0.1"], 2, "give one of them"),
        (["--statistics", "checkpoint", "--statistics_scope", "fold"], 2, "drop --statistics_scope"),
        (["--probes", "forest"], 2, "probes"),
        (["--task", "ns", "--stores", "nowhere"], 1, "nowhere"),
        (["--stores", "nowhere"], 1, "--stores nowhere is not a folder"),
        (["--unit_seconds", "0"], 2, "--unit_seconds"),
        (["--learning_rates", "0"], 2, "learning_rates"),
        (["--seeds", "0"], 2, "--seeds"),
        (["--checkpoint", "untrained:ResNet:5"], 2, "AudioNTT2020"),
        (["--checkpoint", "untrained:AudioNTT2022:5"], 2, "exceed"),
        (["--checkpoint", "nowhere"], 1, "nowhere"),
        (["--task", "nowhere"], 1, "nowhere"),
        (["--statistics", "checkpoint"], 1, "no log-mel statistics"),
        (["--device", "abacus"], 2, "abacus"),
        (["--protocol", "byola-v3"], 2, "byola-v1"),
    ],
)
def test_mistakes_are_one_sentence(
    task: Path,
    cache: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    code: int,
    says: str,
) -> None:
    assert command(task, tmp_path / "x.json", cache, *flags) == code
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert not (tmp_path / "x.json").exists()


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RANDQUANT_CACHE", str(tmp_path))
    assert default_cache() == tmp_path / "features"
    monkeypatch.delenv("RANDQUANT_CACHE")
    assert default_cache() == Path.home() / ".cache" / "randquant" / "features"


def test_robustness_with_folds(stores: Path, cache: Path, tmp_path: Path) -> None:
    flags = ("--probes", "ridge")
    assert into_folder(stores, tmp_path / "plain", cache, *flags, tasks=("us8k",)) == 0
    assert into_folder(stores, tmp_path / "asked", cache, *flags, "--robustness", tasks=("us8k",)) == 0
    (plain,), report = read_report(tmp_path / "plain").results, read_report(tmp_path / "asked")
    (result,) = report.results
    assert result.predictions_sha256 == plain.predictions_sha256
    assert (result.accuracy, result.folds) == (plain.accuracy, plain.folds)
    assert {each.kind for each in result.robustness or ()} >= {"quantised", "noise", "telephone"}
    for changed in result.on_changed():
        assert answers(report.predictions(changed)).folds == answers(report.predictions(result)).folds
    assert "## On changed clips" in (tmp_path / "asked" / "table.md").read_text()
