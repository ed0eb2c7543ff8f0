"""The doctor on whole and damaged copies of the synthetic datasets of sound."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import randquant.data_prep.examine.doctor
from randquant.cli.command import run
from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.examine.doctor import examine
from randquant.data_prep.synthetic.sounds.audioset import write_audioset
from randquant.data_prep.synthetic.sounds.fsd50k import write_fsd50k
from randquant.data_prep.synthetic.sounds.nsynth import write_nsynth
from randquant.data_prep.synthetic.sounds.speech_commands import write_speech_commands
from randquant.data_prep.synthetic.sounds.us8k import write_us8k
from randquant.data_prep.synthetic.sounds.voxceleb1 import write_voxceleb1
from randquant.data_prep.synthetic.sounds.voxforge import write_voxforge
from randquant.scripts.doctor import COMMANDS
from randquant.scripts.preparation.checks import check
from tests.data_prep.packing import pack

ROOT = Path(__file__).parents[2]
HTML = "<!DOCTYPE html>\n<html><body>Log in to go on.</body></html>\n"
WRITTEN = {"spcv2": "speech_commands", "spcv2-12": "speech_commands"}  # where it is not the dataset's own name


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One small copy of each dataset; what is to be given as --root."""
    base = tmp_path_factory.mktemp("doctor")
    return {
        "nsynth": write_nsynth(base / "nsynth", train_instruments=1, held_out_instruments=1, notes_per_instrument=1),
        "us8k": write_us8k(base / "us8k", slices_per_class=1),
        "voxceleb1": write_voxceleb1(
            base / "voxceleb1", speakers=3, train_videos=1, utterances_per_video=2, seconds=(0.2, 0.3)
        ),
        "voxforge": write_voxforge(base / "voxforge", recordings=1, seconds=(0.2, 0.3)),
        "speech_commands": write_speech_commands(
            base / "speech_commands", train_speakers=1, held_out_speakers=1, test_clips=1
        ),
        "audioset": write_audioset(base / "audioset", seconds=0.3),
        "fsd50k": write_fsd50k(base / "fsd50k", dev=10, evaluation=5, seconds=(0.1, 0.2)),
    }


@pytest.fixture
def copy(originals: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a dataset, to be damaged."""

    def copied(name: str) -> Path:
        original = originals[WRITTEN.get(name, name)]
        return Path(shutil.copytree(original, tmp_path / "copy" / original.name))

    return copied


def doctor(*arguments: object) -> int:
    return run(COMMANDS, [str(argument) for argument in arguments])


def with_published(plan: Plan, published: dict[str, int]) -> Callable[[], Plan]:
    return lambda: dataclasses.replace(plan, source={**plan.source, "published": published})


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("name", [dataset.name for dataset in DATASETS.values() if dataset.kind == "audio"])
def test_every_dataset(name: str, originals: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = originals[WRITTEN.get(name, name)]
    found = len(DATASETS[name].plan(root).items)
    published = sum(DATASETS[name].items.values())
    assert doctor(name, "--root", root) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{DATASETS[name].title} at {root}"
    assert DATASETS[name].licence in lines[1]
    assert DATASETS[name].source in lines[2]
    assert [f"{found:,}", f"{published:,}"] in [line.split()[1:] for line in lines if line.startswith("  all ")]
    missing = " (12 missing)" if name == "audioset" else ""
    assert lines[-1] == f"partial: {found:,} of {published:,} recordings can be used{missing}"


@pytest.mark.parametrize("decode", [False, True])
def test_whole(decode: bool, originals: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    root, dataset = originals["us8k"], DATASETS["us8k"]
    check(dataset, root, with_published(dataset.plan(root), {"all": 100}), decode=decode)
    means = "decoded to the end" if decode else "opened; --decode reads them to the end"
    assert last_line(capsys) == f"whole: 100 recordings, as published, each {means}"


def test_whole_though_lists_name_more(originals: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    root, dataset = originals["audioset"], DATASETS["audioset"]
    plan = dataset.plan(root)
    check(dataset, root, with_published(plan, {"train": len(plan.items)}))
    printed = capsys.readouterr().out
    assert "missing: 12" in printed
    assert printed.splitlines()[-1].startswith(f"whole: {len(plan.items)} recordings, as published")
    check(dataset, root, with_published(plan, {"train": len(plan.items) + 1}))
    assert last_line(capsys).endswith("can be used (12 missing)")


def test_more_and_shifted_splits(originals: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    root, dataset = originals["voxceleb1"], DATASETS["voxceleb1"]
    plan = dataset.plan(root)
    check(dataset, root, with_published(plan, {"train": 6, "valid": 6, "test": 5}))
    assert last_line(capsys).startswith("more: 18 recordings where 17 are published")
    check(dataset, root, with_published(plan, {"train": 6, "valid": 5, "test": 7}))
    assert last_line(capsys) == "partial: 18 of 18 recordings can be used"
    check(dataset, root, with_published(plan, {}))
    assert last_line(capsys) == "partial: 18 of 18 recordings can be used (3 of 1251 classes)"
    unknown = dataclasses.replace(plan, source={**plan.source, "classes_published": None})
    check(dataset, root, with_published(unknown, {}))
    assert last_line(capsys).startswith("whole: 18 recordings, all there are in its lists and folders")


def test_damage_is_found_and_listed(
    copy: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copy("us8k")
    files = sorted(root.glob("audio/fold3/[0-9]*.wav"))
    files[0].unlink()
    cut(files[1])
    files[2].write_bytes(b"")
    files[3].write_text(HTML)
    files[4].write_text("no sound")
    out = tmp_path / "lost.txt"
    assert doctor("us8k", "--root", root, "--out", out) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == "partial: 95 of 8,732 recordings can be used (1 missing, 4 unreadable)"
    for words in ("is truncated", "is empty (0 bytes)", "is a web page (HTML)", "is not audio"):
        assert words in printed
    lines = out.read_text().splitlines()
    names = [path.relative_to(root).as_posix() for path in files]
    assert lines[0] == f"missing {names[0]}"
    assert [line.split(":")[0] for line in lines[1:]] == [f"unreadable {name}" for name in names[1:5]]
    assert ["fold3", "5"] in [line.split()[:2] for line in printed.splitlines()]


def test_report_as_json(copy: Callable[[str], Path], tmp_path: Path) -> None:
    root, out = copy("voxceleb1"), tmp_path / "report.json"
    cut(next(root.glob("wav/*/*/*.wav")))
    assert doctor("voxceleb1", "--root", root, "--out", out) == 0
    report = json.loads(out.read_text())
    assert (report["dataset"], report["state"]) == ("voxceleb1", "partial")
    assert sum(report["found"].values()) == 17
    assert report["published"] == {"train": 138_361, "valid": 6_904, "test": 8_251}
    assert report["classes"] == {"found": 3, "published": 1_251}
    assert report["missing_files"] == []
    assert "truncated" in report["unreadable"][0]["reason"]


def test_few_are_shown_and_all_are_listed(
    copy: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = copy("nsynth"), tmp_path / "lost.txt"
    for path in root.glob("nsynth-train/audio/*.wav"):
        path.unlink()
    for path in root.glob("nsynth-valid/audio/*.wav"):
        path.write_bytes(b"")
    files = sorted(root.glob("nsynth-test/audio/*.wav"))
    for path in files[:1]:
        path.unlink()
    assert doctor("nsynth", "--root", root, "--out", out) == 1
    caught = capsys.readouterr()
    assert "… and 2 more; --out FILE lists them all" in caught.out
    assert "nothing readable in: train, valid" in caught.out
    assert "is not usable: no recording of train is there" in caught.err
    assert len(out.read_text().splitlines()) == 12 + 10


def test_decoding_finds_damage_in_the_middle(copy: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = copy("audioset")
    path = sorted(root.glob("balanced_train_segments/*.flac"))[0]
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half : half + 400] = bytes(400)
    path.write_bytes(content)
    assert doctor("audioset", "--root", root, "--parts", "balanced") == 0
    assert "unreadable" not in capsys.readouterr().out
    assert doctor("audioset", "--root", root, "--parts", "balanced", "--decode") == 0
    assert "unreadable: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("nsynth", "nsynth-train/examples.json"),
        ("us8k", "metadata/UrbanSound8K.csv"),
        ("voxceleb1", "iden_split.txt"),
        ("voxforge", "voxforge_urls.txt"),
        ("spcv2", "speech_commands_v0.02/validation_list.txt"),
        ("spcv2-12", "speech_commands_v0.02/testing_list.txt"),
    ],
)
@pytest.mark.parametrize("how", ["absent", "html"])
def test_missing_or_wrong_metadata(
    name: str, lost: str, how: str, copy: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = copy(name)
    (root / lost).unlink()
    if how == "html":
        (root / lost).write_text(HTML)
    assert doctor(name, "--root", root) == 1
    caught = capsys.readouterr()
    assert "expected below --root:" in caught.out
    assert caught.err.startswith("error: ")
    assert Path(lost).name in caught.err
    assert "\n" not in caught.err.strip()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("nsynth", ".."),
        ("nsynth", "nsynth-train"),
        ("us8k", ".."),
        ("us8k", "audio"),
        ("voxceleb1", ".."),
        ("voxceleb1", "wav"),
        ("voxforge", ".."),
        ("audioset", ".."),
        ("audioset", "balanced_train_segments"),
        ("fsd50k", ".."),
        ("fsd50k", "FSD50K.dev_audio"),
        ("spcv2", ".."),
        ("spcv2-12", ".."),
    ],
)
def test_a_level_off_names_the_right_folder(
    name: str, given: str, copy: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    right = copy(name)
    given_root = right.parent if given == ".." else right / given
    assert doctor(name, "--root", given_root) == 1
    caught = capsys.readouterr()
    assert f"give --root {right}" in caught.err
    assert "http" not in caught.out.partition("expected below --root:")[2]


def test_nothing_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert doctor("us8k", "--root", tmp_path / "empty") == 1
    caught = capsys.readouterr()
    assert "audio/fold10" in caught.out
    assert "https://zenodo.org/" in caught.out
    assert doctor("voxceleb1", "--root", tmp_path / "empty") == 1
    assert "on request" in capsys.readouterr().out
    assert doctor("us8k", "--root", tmp_path / "absent") == 1
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["us8k", "voxceleb1", "voxforge", "spcv2", "nsynth"])
def test_archives_not_unpacked(
    name: str, originals: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = WRITTEN.get(name, name)
    packed = pack(written, originals[written], tmp_path / "archives")
    if name == "nsynth":
        (packed / "nsynth-valid.jsonwav.tar.gz").unlink()
    assert doctor(name, "--root", packed) == 1
    caught = capsys.readouterr()
    assert "archives not unpacked" in caught.out
    assert f"python -m scripts.prepare {name} --root {packed}" in caught.err
    assert ("files that are not there: nsynth-valid.jsonwav.tar.gz" in caught.out) == (name == "nsynth")


def test_parts_that_are_not_there(copy: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = copy("nsynth")
    shutil.rmtree(root / "nsynth-valid")
    assert doctor("nsynth", "--root", root) == 0
    assert "nothing readable in: valid" in capsys.readouterr().out
    root = copy("us8k")
    shutil.rmtree(root / "audio" / "fold7")
    assert doctor("us8k", "--root", root) == 0
    printed = capsys.readouterr().out
    assert "parts that are not there: fold7" in printed
    assert printed.splitlines()[-1] == "partial: 90 of 8,732 recordings can be used (10 missing)"
    for fold in range(2, 11):
        shutil.rmtree(root / "audio" / f"fold{fold}", ignore_errors=True)
    assert doctor("us8k", "--root", root) == 1
    assert "fewer than two folds" in capsys.readouterr().err


def test_labels_that_cannot_be_learnt(copy: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = copy("voxceleb1")
    lines = (root / "iden_split.txt").read_text().splitlines()
    (root / "iden_split.txt").write_text("\n".join(line for line in lines if not line.startswith("1 id10002")))
    assert doctor("voxceleb1", "--root", root) == 0
    printed = capsys.readouterr().out
    assert "labels that never occur in train, so cannot be learnt: id10002" in printed
    assert "recordings that no list names, left out: 2" in printed


def test_names_that_stand_for_two(originals: dict[str, Path]) -> None:
    root, dataset = originals["us8k"], DATASETS["us8k"]
    plan = dataset.plan(root)
    doubled = dataclasses.replace(plan, items=[*plan.items, plan.items[0]])
    examination = examine(dataset, doubled)
    assert examination.state == "unusable"
    assert examination.repeated == [plan.items[0].name]
    assert "stand for two recordings" in examination.sentence


def test_processes_find_the_same(copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    root, dataset = copy("us8k"), DATASETS["us8k"]
    for path in sorted(root.glob("audio/fold*/[0-9]*.wav"))[::9]:
        cut(path)
    alone = examine(dataset, dataset.plan(root)).record()
    monkeypatch.setattr(randquant.data_prep.examine.doctor, "_FEW", {False: 0, True: 0})
    monkeypatch.setattr(randquant.data_prep.examine.doctor, "_BATCH", 30)
    together = examine(dataset, dataset.plan(root), workers=2).record()
    assert len(alone["unreadable"]) == 12
    assert together == alone


def test_options_of_a_dataset(originals: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor("fsd50k", "--root", originals["fsd50k"], "--parts", "dev", "eval") == 0
    assert "15" in last_line(capsys)
    shutil.copyfile(originals["voxceleb1"] / "iden_split.txt", tmp_path / "other.txt")
    assert doctor("voxceleb1", "--root", originals["voxceleb1"], "--iden_split", tmp_path / "other.txt") == 0
    assert doctor("spcv2-12", "--root", originals["speech_commands"], "--variant", "archive") == 0
    assert "archive" in capsys.readouterr().out
    assert doctor("voxforge", "--root", originals["voxforge"], "--split", "evar") == 2


@pytest.mark.parametrize("arguments", [["--workers", "0"], ["--decoed"], ["--parts", "dev"]])
def test_refusals(arguments: list[str], originals: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor("us8k", "--root", originals["us8k"], *arguments) == 2
    sentence = capsys.readouterr().err.strip()
    assert arguments[0] in sentence
    assert "\n" not in sentence


def test_as_typed(originals: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "scripts.doctor", "fsd50k", "--root", str(originals["fsd50k"])]
    environment = {**os.environ, "PYTHONPATH": "common"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "partial: 10 of 40,966 recordings can be used"
