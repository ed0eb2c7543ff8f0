"""What an earlier version wrote still opens, and gives equal numbers; README.md says how it was made."""

import json
import lzma
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from randquant.cli.command import run
from randquant.data.store import Store
from randquant.scripts import doctor, prepare
from randquant.scripts.compare import arguments, compare
from randquant.scripts.embed import embed
from randquant.scripts.evaluate_modelnet import evaluate
from randquant.scripts.pretrain_audio import pretrain_audio
from randquant.scripts.pretrain_pointcloud import pretrain_pointcloud
from randquant.scripts.probe_audio import probe

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "expected" / "expected.json").read_text())
STORES = ("tones", "folds", "recordings", "clouds", "modelnet")
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
# What depends on the day, the computer or the libraries.
CHANGING = {"seconds", "versions", "path"}
# A batch norm takes their shift away again, so their gradients are rounding errors that Adam blows up to whole steps.
UNDETERMINED = re.compile(r"features\.[048]\.bias|features\.[159]\.running_mean|first\.network\.1\..*")

AUDIO_RUN = (
    "--data stores/tones --steps 4 --batch_size 8 --d 4 --unit_seconds 0.1 --augment mixup+rq+rrc --hidden_size 8 "
    "--projection_size 4 --method byol --checkpoint_every 2 --log_every 1 --precision 32 --accelerator cpu "
    "--momentum_schedule cosine --out runs/byol"
)
POINT_RUN = (
    "--data stores/modelnet --steps 4 --batch_size 8 --d 16 --points 32 --hidden_size 8 --projection_size 4 "
    "--method simclr --checkpoint_every 2 --log_every 1 --precision 32 --accelerator cpu --out runs/simclr"
)


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy to work in, since the commands write beside what they read."""
    folder = tmp_path / "earlier"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "README.md", "__pycache__", "expected"))
    for packed in folder.rglob("*.xz"):
        packed.with_suffix("").write_bytes(lzma.decompress(packed.read_bytes()))
        packed.unlink()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RANDQUANT_CACHE", str(tmp_path / "cache"))


def command(function: Callable[..., Any] | Mapping[str, Callable[..., Any]], words: str) -> None:
    assert run(function, words.split()) == 0


def described(name: str) -> dict[str, Any]:
    """What a store holds, as numbers to compare."""
    store = Store.open(Path("stores") / name)
    rows = [store.rows(index) for index in range(len(store))]
    return {
        "kind": store.kind,
        "lengths": [len(each) for each in rows],
        "sums": [float(np.abs(each.astype(np.float64)).sum()) for each in rows],
        "content_hash": store.content_hash,
        "columns": {column: store.column(column) for column in ("path", "label", "group", "split")},
    }


def traces(file: Path) -> dict[str, list[float]]:
    """Of each tensor its norm and how it projects on a fixed direction, in units of its norm."""
    found = {}
    for name, tensor in sorted(load_file(file).items()):
        values = tensor.astype(np.float64).ravel()
        norm = float(np.linalg.norm(values))
        along = float(values @ np.cos(np.arange(len(values)) ** 1.5)) / max(norm, 1e-12)
        found[name] = [norm, along]
    return found


def logged(file: Path) -> list[tuple[str, str, float]]:
    """Step, name and value of each row of a log."""
    rows = [line.split(",") for line in file.read_text().splitlines()[1:]]
    return [(step, name, float(value)) for step, name, value, _ in rows]


def vectors(table: str) -> tuple[list[Any], NDArray[np.float32]]:
    """The rows of an embedding table: what they are of, and (rows, D) vectors."""
    read = pq.read_table(table)
    return read.drop_columns("embedding").to_pylist(), np.stack(read["embedding"].to_numpy())


def numbers(text: str) -> list[float]:
    """
    >>> numbers("train 1,234, +0.5 to 1e-3")
    [1234.0, 0.5, 0.001]
    """
    return [float(found.replace(",", "")) for found in NUMBER.findall(text)]


def rows_of(page: str) -> Iterator[tuple[float, ...]]:
    """The numbers of each row of a page's tables, without their headers."""
    lines = page.splitlines()
    heads = {number - 1 for number, line in enumerate(lines) if line.startswith("| -")}
    for number, line in enumerate(lines):
        found = numbers(line.replace("---", ""))
        if line.startswith("|") and number not in heads and found:
            yield tuple(found)


def require_equal(found: Any, expected: Any, place: str = "") -> None:
    """Hold what there is now against what there was: numbers to 1e-4, names of new facts aside."""
    if isinstance(expected, dict):
        assert isinstance(found, dict), place
        for name, value in expected.items():
            if name not in CHANGING:
                assert name in found, f"{place}/{name}"
                require_equal(found[name], value, f"{place}/{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            require_equal(one, other, f"{place}/{number}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-4), place
    else:
        assert found == expected, place


def read(file: str) -> Any:
    return json.loads(Path(file).read_text())


@pytest.mark.parametrize("name", STORES)
def test_stores_hold_what_was_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert described(name) == EXPECTED["stores"][name]
    command(doctor.COMMANDS, f"store --store stores/{name}")
    assert "is whole" in capsys.readouterr().out


def test_a_store_of_before_its_table_was_hashed() -> None:
    store = Path("stores/clouds")
    info = json.loads((store / "store.json").read_text())
    del info["manifest_sha256"]
    (store / "store.json").write_text(json.dumps(info))
    for name in ("verified.json", "sources.parquet"):
        (store / name).unlink()
    assert described("clouds") == EXPECTED["stores"]["clouds"]


@pytest.mark.parametrize(
    ("store", "words"),
    [
        ("recordings", "folder --root inputs/few --channel loudest --peak_normalise"),
        ("clouds", "clouds --root inputs/xyz --points 64 --up y"),
    ],
    ids=["recordings", "clouds"],
)
def test_preparing_again_finds_the_store_done(store: str, words: str) -> None:
    before = (Path("stores") / store / "store.json").read_bytes()
    command(prepare.COMMANDS, f"{words} --out stores/{store} --workers 1")
    assert (Path("stores") / store / "store.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [("byol", pretrain_audio, AUDIO_RUN), ("simclr", pretrain_pointcloud, POINT_RUN)],
    ids=["byol", "simclr"],
)
def test_a_run_goes_on(name: str, function: Callable[..., Any], words: str, capfd: pytest.CaptureFixture[str]) -> None:
    folder = Path("runs") / name
    assert logged(folder / "log.csv")[-1][0] == "2"
    command(function, words)
    assert "going on after step 2" in capfd.readouterr().err
    found, expected = traces(folder / "encoder.safetensors"), EXPECTED["runs"][name]
    assert found.keys() == expected["encoder"].keys()
    for tensor, values in expected["encoder"].items():
        if not UNDETERMINED.fullmatch(tensor):
            assert found[tensor] == pytest.approx(values, rel=1e-4, abs=1e-4), tensor
    known = {measure for _, measure, _ in expected["log"]}
    found_log = [row for row in logged(folder / "log.csv") if row[1] in known]
    for one, other in zip(found_log, expected["log"], strict=True):
        assert one[:2] == tuple(other[:2])
        assert one[2] == pytest.approx(other[2], rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("waves", "--checkpoint encoders/audio.safetensors --input inputs/waves"),
        (
            "windows",
            "--checkpoint encoders/audio.safetensors --input inputs/waves --window 0.1 --hop 0.05 --layer conv+output",
        ),
        ("clouds", "--checkpoint encoders/points.safetensors --input inputs/clouds --clouds"),
    ],
    ids=["waves", "windows", "clouds"],
)
def test_embeddings(table: str, words: str) -> None:
    command(embed, f"{words} --device cpu --out new.parquet")
    (found, new), (expected, old) = vectors("new.parquet"), vectors(f"embeddings/{table}.parquet")
    require_equal(found, expected)
    np.testing.assert_allclose(new, old, rtol=1e-4, atol=1e-4 * float(np.abs(old).max()))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sounds", "tones untrained"),
        ("ridge", "tones untrained --probe ridge"),
        ("shapes", "shapes occupancy"),
        ("robust", "robust occupancy --probe knn"),
        ("one", "tones one.json"),
        ("json", "conv.json one.json"),
        ("episodes", "shapes episodes.json"),
    ],
    ids=lambda value: value.replace(" ", "_"),
)
def test_comparisons(
    name: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir("results")
    assert run(compare, arguments([*words.split(), "--out", "compared.json"])) == 0
    expected = HERE / "expected" / f"compare_{name}"
    require_equal(read("compared.json"), json.loads(expected.with_suffix(".json").read_text()))
    printed = numbers(capsys.readouterr().out)
    assert printed == pytest.approx(numbers(expected.with_suffix(".txt").read_text()), abs=0.011)


@pytest.mark.parametrize(
    ("function", "words", "out"),
    [
        (
            probe,
            "--checkpoint encoders/audio.safetensors --cache caches/tones --task stores/tones "
            "--probes linear knn ridge logistic svm linear_svc mlp fewshot",
            "tones",
        ),
        (
            probe,
            "--checkpoint encoders/audio.safetensors --cache caches/tones --task stores/folds "
            "--probes linear knn ridge logistic",
            "tones",
        ),
        (
            evaluate,
            "--checkpoint encoders/points.safetensors --cache caches/modelnet --store stores/modelnet --points 32 "
            "--probes svm knn ridge logistic linear linear_svc",
            "modelnet",
        ),
    ],
    ids=["splits", "folds", "shapes"],
)
def test_probes_give_the_same_numbers(function: Callable[..., Any], words: str, out: str) -> None:
    cached = sorted(Path("caches").rglob("*"))
    command(function, f"{words} --seeds 2 --device cpu --out new/")
    assert sorted(Path("caches").rglob("*")) == cached  # the features that lay there were taken
    new, old = read("new/results.json"), read(f"results/{out}/results.json")
    assert new["subject"] == old["subject"]
    assert (new["format"], new["version"]) == (old["format"], old["version"])
    known = {(facts["task"], facts["probe"]): facts for facts in old["results"]}
    for facts in new["results"]:
        before = known[facts["task"], facts["probe"]]
        if facts["probe"] == "logistic":  # its penalties are others since
            low, high = before["ci95_items"]
            assert low <= facts["accuracy"] <= high
            before = {name: before[name] for name in ("task", "classes", "counts", "validation", "majority_floor")}
        require_equal(facts, before, facts["probe"])


@pytest.mark.parametrize(
    ("folder", "function", "words"),
    [
        (
            "tones",
            probe,
            "--checkpoint encoders/audio.safetensors --cache caches/tones --task other --probes knn",
        ),
        *(
            (name, evaluate, f"--checkpoint {encoder} --store other --points {points} --probes knn --no_repeats")
            for name, encoder, points in (
                ("modelnet", "encoders/points.safetensors", 32),
                ("shapes", "encoders/points.safetensors", 24),
                ("robust", "encoders/points.safetensors", 24),
                ("occupancy", "occupancy:3", 24),
            )
        ),
    ],
    ids=["tones", "modelnet", "shapes", "robust", "occupancy"],
)
def test_a_folder_grows_and_its_page_keeps_every_number(folder: str, function: Callable[..., Any], words: str) -> None:
    """The page is written anew from all that the folder holds."""
    other = Path("stores", "tones" if folder == "tones" else "modelnet").rename("other")
    info = {**json.loads((other / "store.json").read_text()), "source": None}
    (other / "store.json").write_text(json.dumps(info))
    before = read(f"results/{folder}/results.json")["results"]
    page = Path("results") / folder / "table.md"
    old = Counter(rows_of(page.read_text()))
    command(function, f"{words} --device cpu --out results/{folder}/")
    after = {(facts["task"], facts["probe"]): facts for facts in read(f"results/{folder}/results.json")["results"]}
    assert set(after) == {*((facts["task"], facts["probe"]) for facts in before), ("other", "knn")}
    for facts in before:
        require_equal(after[facts["task"], facts["probe"]], facts)
    assert not old - Counter(rows_of(page.read_text()))
