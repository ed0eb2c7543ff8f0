"""From a store of shapes to numbers, as typed."""

import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from randquant.cli.command import run
from randquant.data.store import Store, StoreWriter
from randquant.files.atomic import read_json
from randquant.pointcloud.points.farthest_point_order import farthest_point_order
from randquant.results.folder import read_report
from randquant.results.predictions import answers
from randquant.scripts.compare import arguments, compare
from randquant.scripts.embed import embed
from randquant.scripts.evaluate_modelnet import evaluate

ENCODER = "untrained:PointNetLite:32"
CLASSES = ("ball", "box", "rod")
XYZ = ["x", "y", "z"]


def shape(kind: int, generator: np.random.Generator, points: int) -> NDArray[np.float32]:
    """A noisy ball, box or rod of random proportions, in farthest-point order."""
    x = generator.normal(size=(points, 3))
    if kind == 0:
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    if kind == 1:
        x /= np.abs(x).max(axis=1, keepdims=True)
    x *= generator.uniform(0.8, 1.2, 3) * ((0.15, 0.15, 1) if kind == 2 else 1)
    x -= x.mean(axis=0)
    x = (x / np.linalg.norm(x, axis=1).max()).astype(np.float32)
    return x[farthest_point_order(x)]


def write(
    folder: Path, *, splits: str = "t" * 8 + "v" * 2 + "e" * 4, points: int = 64, repeated: bool = True, **info: object
) -> Path:
    """A store of the three classes, one item of each in every place of `splits`: train, valid, test, or a fold's digit.

    The first shape of test, and of every fold, has the points of the first of all.
    """
    generator = np.random.default_rng(0)
    writer = StoreWriter(folder, kind="points", plan="shapes")
    known = {"t": "train", "v": "valid", "e": "test"}
    first: NDArray[np.float32] | None = None
    with writer.begin(), writer.shard(0) as shard:
        for index in range(3 * len(splits)):
            place, kind = divmod(index, 3)
            split, begins = known.get(splits[place], f"fold{splits[place]}"), splits[place - 1] != splits[place]
            cloud = shape(kind, generator, points)
            first = cloud if first is None else first
            if repeated and split not in ("train", "valid") and begins and kind == 0:
                cloud = first
            shard.append([cloud], {"path": f"{index}.off", "label": CLASSES[kind], "group": None, "split": split})
    with writer.begin():
        writer.finish(1, {"channels": XYZ, "points": points, "up": "z", "sampling": "area", **info})
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = {"dataset": "modelnet", "classes_published": 40, "published": {"train": 9843, "test": 2468}}
    return write(tmp_path_factory.mktemp("shapes") / "solids", source=source)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def command(store: Path, out: Path, cache: Path, *more: str, checkpoint: str = ENCODER) -> int:
    flags = ["--checkpoint", checkpoint, "--store", str(store), "--out", str(out), "--cache", str(cache)]
    return run(evaluate, [*flags, "--device", "cpu", *more])


def test_numbers_and_where_they_come_from(
    store: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "evaluation.json"
    assert command(store, out, cache, "--probes", "svm", "knn", "--seeds", "2") == 0
    result = json.loads(out.read_text())
    assert (result["task"], result["probe"], result["probes"]) == ("modelnet40", "svm", ["svm", "knn"])
    assert 0.5 < result["accuracy"] <= 1
    assert result["ci95"] >= 0
    assert result["knn"]["accuracy"] > 0.5
    assert (result["seeds"], result["repeats"]) == ([42, 43], 2)
    assert result["protocol"]["name"] == "audited"
    assert result["protocol"]["departures"] == ["2 repeats instead of 3"]
    assert result["split_counts"] == {"train": 24, "valid": 6, "test": 12, "unused": 0}
    assert result["counts"] == {"train": 30, "valid": None, "test": 12}
    assert result["data"]["differs"] == "train 30 of 9,843, test 12 of 2,468"
    assert result["validation"] == "5 folds of train"
    assert result["points"] == 64
    assert len(result["checkpoint"]["sha256"]) == len(result["store"]["content_hash"]) == 64
    assert result["without_repeats"]["left_out"] >= 1
    assert result["without_repeats"]["exact"] == 1
    assert result["without_repeats"]["test"] == 12 - result["without_repeats"]["left_out"]
    printed = capsys.readouterr().out
    assert "modelnet40" in printed
    assert "by SVM, C" in printed
    assert "without repeated shapes" in printed


def test_with_folds_every_item_is_asked_changed_too_and_repeats_in_other_folds_are_left_out(
    cache: Path, tmp_path: Path
) -> None:
    folds = write(tmp_path / "folds", splits="111222333")
    out = tmp_path / "evaluation.json"
    assert command(folds, out, cache, "--probes", "svm", "--seeds", "1", "--robustness") == 0
    result = json.loads(out.read_text())
    assert result["without_repeats"]["exact"] >= 2
    assert result["without_repeats"]["test"] == 27 - result["without_repeats"]["left_out"]
    slight = next(change for change in result["robustness"] if change["kind"] == "jitter")
    assert abs(slight["accuracy"] - result["accuracy"]) < 0.2


def test_a_second_evaluation_gives_the_same(store: Path, cache: Path, tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        assert command(store, tmp_path / name, cache) == 0
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one.json", "two.json"))
    one.pop("seconds"), two.pop("seconds")
    assert one == two


def test_every_probe_into_a_folder_and_compared(
    store: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["svm", "linear_svc", "ridge", "logistic", "linear", "knn", "fractions"]
    for out, checkpoint in (("ours", ENCODER), ("grid", "occupancy:4")):
        assert command(store, tmp_path / out, cache, "--probes", *names, "--robustness", checkpoint=checkpoint) == 0
    report = read_report(tmp_path / "ours")
    results = {result.probe: result for result in report.results}
    shares = [f"fraction-{percent}%" for percent in (1, 2, 5, 10, 20, 50, 100)]
    assert list(results) == [*names[:-1], *shares]
    for result in results.values():
        facts = result.to_json()
        changes = {(change["kind"], change["severity"]): change for change in facts["robustness"]}
        assert changes["rotation_up", 180.0]["test"] == 12
        assert changes["jitter", 0.01]["lost"] == pytest.approx(facts["accuracy"] - changes["jitter", 0.01]["accuracy"])
        assert len(answers(report.predictions(result)).ids) == 12
    page = (tmp_path / "ours" / "table.md").read_text()
    for part in ("CrossPoint, DGCNN", "## On changed shapes", "## Without repeated shapes", "| dropout 0.5 share"):
        assert part in page
    capsys.readouterr()
    folders = [str(tmp_path / name) for name in ("ours", "grid")]
    assert run(compare, arguments([*folders, "--probe", "svm"])) == 0
    assert "modelnet40" in capsys.readouterr().out


def test_turned_shapes_are_a_task_of_their_own(store: Path, cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "turned.json"
    assert command(store, out, cache, "--turned", checkpoint="untrained:PointNetLite:16:part=16") == 0
    result = json.loads(out.read_text())
    assert result["task"] == "modelnet40-turned"
    assert any("turned about the up axis" in each for each in result["protocol"]["departures"])
    assert command(store, out, cache, "--turned", "--robustness") == 2


def test_published_presets(store: Path, cache: Path, tmp_path: Path) -> None:
    for name, classifier in (("m2ae", "svm"), ("recon", "linear_svc")):
        out = tmp_path / f"{name}.json"
        assert command(store, out, cache, "--protocol", name, "--points", "32") == 0
        result = json.loads(out.read_text())
        assert result["probe"] == classifier
        assert (result["repeats"], result["ci95"], result["valid_accuracy"]) == (1, None, None)
        assert result["validation"] == "nothing is chosen"
        assert result["settings"]["standardise"] is False
        assert "32 points" in result["protocol"]["departures"]
        assert ("the file's order" in " ".join(result["protocol"]["departures"])) == (name == "m2ae")


def test_an_encoder_that_leaves_the_preset_says_so(store: Path, cache: Path, tmp_path: Path) -> None:
    for k, departs in ((":k=40", False), ("", True)):
        out = tmp_path / f"{departs}.json"
        flags = ["--protocol", "strl", "--points", "32", "--checkpoint", f"untrained:DGCNN:16{k}"]
        assert command(store, out, cache, *flags) == 0
        said = json.loads(out.read_text())["protocol"]["departures"]
        assert ("20 neighbours of a point instead of 40" in said) == departs
        assert "shapes of modelnet instead of modelnet-txt" in said


def test_flags_leave_the_preset_and_say_so(store: Path, cache: Path, tmp_path: Path) -> None:
    flags = ["--strengths", "0.1", "0.01", "--standardise", "false", "--folds", "3", "--no_repeats", "--seeds", "1"]
    assert command(store, tmp_path / "x.json", cache, *flags) == 0
    result = json.loads((tmp_path / "x.json").read_text())
    assert result["settings"]["strengths"] == [0.01, 0.1]
    assert result["protocol"]["departures"] == [
        "C chosen from 0.01, 0.1",
        "features not standardised",
        "3 folds",
        "1 repeats instead of 3",
    ]
    assert "without_repeats" not in result


def test_a_saved_classifier_labels_clouds(
    store: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, out, clouds = tmp_path / "a.safetensors", tmp_path / "labels.parquet", tmp_path / "clouds"
    assert command(store, tmp_path / "a.json", cache, "--seeds", "1", "--save_classifier", str(saved)) == 0
    opened = Store.open(store)
    clouds.mkdir()
    for item, label in enumerate(opened.column("label")):
        np.save(clouds / f"{label}-{item:02}.npy", opened.rows(item))
    flags = ["--input", str(clouds), "--clouds", "--out", str(out), "--classify", str(saved), "--device", "cpu"]
    assert run(embed, ["--checkpoint", ENCODER, *flags]) == 0
    rows = pq.read_table(out).to_pylist()
    assert list(rows[0]) == ["path", "points", "label", "score", "embedding"]
    assert rows[0]["points"] == 64, "as the classifier was fitted"
    assert np.mean([row["path"].startswith(row["label"]) for row in rows]) > 0.9
    assert run(embed, ["--checkpoint", ENCODER, *flags, "--points", "32"]) == 1
    assert "with points 64, but these have points 32" in capsys.readouterr().err
    assert (
        command(
            store, tmp_path / "b.json", cache, "--protocol", "m2ae", "--points", "32", "--save_classifier", str(saved)
        )
        == 0
    )
    assert run(embed, ["--checkpoint", ENCODER, *flags]) == 1
    assert "renormalise False" in capsys.readouterr().err


def test_several_stores(store: Path, cache: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "others", splits="t" * 6 + "e" * 2)
    flags = ["--checkpoint", ENCODER, "--store", str(store), str(other), "--out", str(tmp_path / "both.json")]
    assert run(evaluate, [*flags, "--cache", str(cache), "--probes", "ridge", "--device", "cpu"]) == 0
    results = json.loads((tmp_path / "both.json").read_text())["results"]
    assert [result["task"] for result in results] == ["modelnet40", "others"]
    assert results[1]["data"]["complete"] is None


def test_finetuning_stands_beside_the_probes(store: Path, cache: Path, tmp_path: Path) -> None:
    flags = ["--finetune", "--finetune_epochs", "2", "--votes", "2", "--seeds", "1"]
    assert command(store, tmp_path / "x.json", cache, *flags) == 0
    result = json.loads((tmp_path / "x.json").read_text())
    assert result["probes"] == ["svm", "finetune", "finetune-vote"]
    assert result["finetune"]["settings"]["epochs"] == 2
    assert result["finetune"]["without_repeats"]["exact"] == 1


def test_fixed_folds_are_a_task_of_their_own(store: Path, cache: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    (tmp_path / "folds" / "5way_10shot").mkdir(parents=True)
    for number in range(10):
        sides = {
            side: [(shape(label % 3, generator, 64), label, label + number) for label in range(5) for _ in range(each)]
            for side, each in (("train", 10), ("test", 20))
        }
        (tmp_path / "folds" / "5way_10shot" / f"{number}.pkl").write_bytes(pickle.dumps(sides))
    flags = ["--fewshot_folds", str(tmp_path / "folds"), "--points", "32", "--probes", "ridge"]
    assert command(store, tmp_path / "out", cache, *flags) == 0
    last = read_report(tmp_path / "out").results[-1]
    folds = last.to_json()
    assert (folds["task"], folds["probe"]) == ("modelnet40-fewshot", "folds-5w10s")
    assert len(folds["folds"]) == folds["repeats"] == 10
    assert folds["accuracy"] > 0.2
    assert "airplane" in read_report(tmp_path / "out").predictions(last)["label"].to_pylist()
    assert "modelnet40-fewshot" in (tmp_path / "out" / "table.md").read_text()
    assert command(store, tmp_path / "out", cache, "--fewshot_folds", str(tmp_path)) == 1
    (tmp_path / "folds" / "5way_10shot" / "9.pkl").write_bytes(b"broken")
    assert command(store, tmp_path / "out.json", cache, *flags) == 1
    assert read_json(tmp_path / "out.json")["probe"] == "ridge", "a broken fold loses nothing else"


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--out", "x.csv"], 2, "should end in .json"),
        (["--points", "0"], 2, "--points"),
        (["--points", "65"], 1, "has 64; lower --points"),
        (["--seeds", "0"], 2, "--seeds"),
        (["--seed", "-1"], 2, "--seed"),
        (["--folds", "1"], 2, "--folds"),
        (["--folds", "11"], 1, '11 folds need at least 11 training items in every class, but "ball" has 10'),
        (["--strengths", "0"], 2, "--strengths"),
        (["--probes", "forest"], 2, "probes"),
        (["--probes", "episodes"], 1, "5 classes"),
        (["--protocol", "byol"], 2, "audited"),
        (["--normals"], 1, "prepare it with nx, ny, nz"),
        (["--normals", "--checkpoint", "occupancy:8"], 2, "reads x, y, z and no normals; leave out --normals"),
        (["--checkpoint", "untrained:ResNet:5"], 2, "PointNetLite"),
        (["--checkpoint", "nowhere"], 1, "nowhere"),
        (["--checkpoint", "occupancy:many"], 2, "as in occupancy:8"),
        (["--store", "nowhere"], 1, "nowhere"),
        (["--device", "abacus"], 2, "abacus"),
        (["--votes", "3"], 2, "belong to --finetune"),
        (["--finetune", "--points", "any"], 2, "--finetune takes clouds of one size"),
        (["--finetune", "--label_share", "2"], 2, "label_share"),
        (["--fewshot_folds", "nowhere"], 1, "the folder ModelNetFewshot"),
    ],
)
def test_mistakes_are_one_sentence(
    store: Path,
    cache: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    code: int,
    says: str,
) -> None:
    assert command(store, tmp_path / "x.json", cache, *flags) == code
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert not (tmp_path / "x.json").exists()


def test_stores_that_cannot_be_evaluated(cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(path: Path) -> str:
        assert command(path, tmp_path / "x.json", cache) == 1
        words = capsys.readouterr().err.strip()
        assert "\n" not in words
        return words

    assert 'none is "test"' in said(write(tmp_path / "untested", splits="tttttt"))
    assert 'none is "train"' in said(write(tmp_path / "untrained", splits="ee"))
    assert "does not say what its columns mean" in said(write(tmp_path / "unknown", channels=None))
    writer = StoreWriter(tmp_path / "sounds", kind="audio", plan="sounds")
    with writer.begin(), writer.shard(0) as shard:
        shard.append([np.zeros(9, dtype=np.int16)], {"path": "0.wav", "label": "a", "group": None, "split": "train"})
    with writer.begin():
        writer.finish(1, {"sample_rate": 16_000})
    assert "holds audio where points are expected" in said(tmp_path / "sounds")
