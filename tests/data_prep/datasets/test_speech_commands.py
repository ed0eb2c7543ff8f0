"""Speech Commands V2 as unpacked: the official lists, and TFDS's twelve classes with their windows of silence."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from randquant.data_prep.datasets.speech_commands import (
    COMMANDS,
    LABELS,
    MAIN,
    NOISE,
    SILENCE,
    SPCV2,
    SPCV2_12,
    TEST_SET,
    UNKNOWN,
    plan_speech_commands,
    plan_speech_commands_12,
    silence_windows,
)
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.synthetic.sounds.speech_commands import NOISES, write_speech_commands
from randquant.errors import DataError


def write_tree(root: Path) -> Path:
    """Words without samples, as planning reads none; noises with, as it reads their length."""
    main, tests = root / MAIN, root / TEST_SET
    for word in (*COMMANDS, "bed", "zero"):
        (main / word).mkdir(parents=True)
        for speaker in ("aa", "bb", "cc"):
            (main / word / f"{speaker}_nohash_0.wav").write_bytes(b"123")
    (main / "bed" / "._aa_nohash_0.wav").write_bytes(b"macOS litter")
    (main / "validation_list.txt").write_text("".join(f"{word}/bb_nohash_0.wav\n" for word in ("yes", "bed")))
    (main / "testing_list.txt").write_text("".join(f"{word}/cc_nohash_0.wav\n" for word in ("yes", "zero", "go")))
    (main / "README.md").write_text("x")
    (main / NOISE).mkdir()
    (main / NOISE / "README.md").write_text("x")
    for name, seconds in (("white_noise", 2.5), ("running_tap", 3)):
        soundfile.write(main / NOISE / f"{name}.wav", np.zeros(int(16_000 * seconds)), 16_000)
    for label in LABELS:
        (tests / label).mkdir(parents=True)
        (tests / label / "dd_nohash_0.wav.wav").write_bytes(b"1234")
        (tests / label / "ee_nohash_1.wav").write_bytes(b"1234")
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root")


def test_35_words(tree: Path) -> None:
    plan = plan_speech_commands(tree)
    assert plan.root == tree / MAIN
    paths = [item.path for item in plan.items]
    assert paths == sorted(paths)
    assert len(paths) == 36
    by_path = {item.path: item for item in plan.items}
    assert by_path["yes/bb_nohash_0.wav"].split == "valid"
    assert by_path["zero/cc_nohash_0.wav"].split == "test"
    first = by_path["bed/aa_nohash_0.wav"]
    assert (first.split, first.label, first.group) == ("train", "bed", "aa")
    assert plan.source["found"] == {"train": 31, "valid": 2, "test": 3}
    assert plan.source["published"] == {"train": 84_843, "valid": 9_981, "test": 11_005}
    assert plan.source["classes_found"] == 12


@pytest.mark.parametrize("task", [plan_speech_commands, plan_speech_commands_12])
def test_roots(tree: Path, tmp_path: Path, task: Callable[[Path], Plan]) -> None:
    """The folder of both archives, that of the words, and torchaudio's make the same plan."""
    expected = task(tree)
    assert task(tree / MAIN).items == expected.items
    with pytest.raises(DataError, match=f"give --root {tree}$"):
        task(tree.parent)
    with pytest.raises(DataError, match=f"give --root {tree / MAIN}$"):
        task(tree / MAIN / "yes")
    shutil.copytree(tree, tmp_path / "home" / "SpeechCommands")
    assert task(tmp_path / "home").items == expected.items
    assert task(tmp_path / "home" / "SpeechCommands").items == expected.items


def test_a_test_set_elsewhere(tree: Path) -> None:
    """A root that holds both, words at its own level."""
    shutil.copytree(tree / MAIN, tree.parent / "words")
    shutil.copytree(tree / TEST_SET, tree.parent / "words" / TEST_SET)
    plan = plan_speech_commands_12(tree.parent / "words")
    assert plan.root == tree.parent / "words"
    assert plan.items[-1].path == f"{TEST_SET}/yes/ee_nohash_1.wav"
    assert plan.items[0].path == "bed/aa_nohash_0.wav"
    assert len(plan_speech_commands(tree.parent / "words").items) == 36


def test_windows_of_nominal_lengths() -> None:
    counts = {name: len(silence_windows(length)) for name, length in NOISES.items()}
    assert counts.pop("running_tap") == 121
    assert sorted(counts.values(), reverse=True) == [189, 122, 121, 118, 118]
    assert sum(counts.values()) == 668
    words = SPCV2.items
    assert words["train"] + 668 == SPCV2_12.items["train"] == 85_511
    assert words["valid"] + 121 == SPCV2_12.items["valid"] == 10_102
    assert SPCV2_12.items["test"] == 4_890


@pytest.mark.parametrize("length", [0, 100, 16_000, 16_001, 24_000, 24_001, 100_000])
def test_windows(length: int) -> None:
    expected = [(start, start + 16_000) for start in range(0, length - 16_000, 8_000)]
    assert silence_windows(length) == expected
    assert all(stop <= length for _, stop in expected)


def test_12_classes_tfds(tree: Path) -> None:
    plan = plan_speech_commands_12(tree)
    assert plan.root == tree
    counts = Counter((item.split, item.label) for item in plan.items)
    # 2.5 s of white noise: windows at 0 and 0.5 and 1.0 s, none at 1.5, where it would end with the last sample
    assert counts["train", SILENCE] == 3
    assert counts["valid", SILENCE] == 4
    assert counts["test", SILENCE] == 2
    assert counts["valid", UNKNOWN] == 1
    assert counts["train", UNKNOWN] == 4
    assert counts["train", "yes"] == 1
    assert {label for split, label in counts if split == "test"} == set(LABELS)
    assert not any(item.path.startswith(MAIN) for item in plan.items if item.split == "test")
    silence = [item for item in plan.items if item.label == SILENCE and item.split == "train"]
    assert [item.name.rpartition("#")[2] for item in silence] == ["0-16000", "8000-24000", "16000-32000"]
    assert silence[0].group == "white_noise"
    last = plan.items[-2]
    assert last.path == f"{TEST_SET}/yes/dd_nohash_0.wav.wav"
    assert (last.label, last.group, last.split) == ("yes", "dd", "test")
    assert plan.source["variant"] == "tfds"
    assert TEST_SET in plan.source["split_source"]


def test_12_classes_archive(tree: Path) -> None:
    shutil.rmtree(tree / TEST_SET)
    plan = plan_speech_commands_12(tree, variant="archive")
    tests = [item for item in plan.items if item.split == "test"]
    assert [(item.path, item.label) for item in tests] == [
        ("go/cc_nohash_0.wav", "go"),
        ("yes/cc_nohash_0.wav", "yes"),
        ("zero/cc_nohash_0.wav", UNKNOWN),
    ]
    assert "without _silence_" in plan.source["split_source"]
    assert plan.source["published"]["test"] == 11_005
    counts = Counter(item.split for item in plan.items if item.label == SILENCE)
    assert counts == {"train": 3, "valid": 4}
    with pytest.raises(DataError, match=r"no test set .* --variant archive"):
        plan_speech_commands_12(tree)


def test_what_the_lists_name_and_is_not_there(tree: Path) -> None:
    (tree / MAIN / "yes" / "cc_nohash_0.wav").unlink()
    for plan in (plan_speech_commands(tree), plan_speech_commands_12(tree, variant="archive")):
        assert plan.missing == ["yes/cc_nohash_0.wav"]
        assert plan.source["missing"] == 1
        assert plan.source["found"]["test"] == 2


def test_refused(tree: Path) -> None:
    lists = tree / MAIN / "testing_list.txt"
    for text, words in (
        ("yes/cc_nohash_0.wav\nyes/bb_nohash_0.wav\n", r"testing_list\.txt line 2 names .* validation_list"),
        ("yes\n", "line 1 reads 'yes' where"),
        ("../yes/cc.wav\n", r"line 1 reads '\.\./yes"),
        ("<html>\n", "web page"),
    ):
        lists.write_text(text)
        with pytest.raises(DataError, match=words):
            plan_speech_commands(tree)
    lists.unlink()
    with pytest.raises(DataError, match=r"testing_list\.txt does not exist"):
        plan_speech_commands(tree)


def test_refused_12(tree: Path) -> None:
    (tree / TEST_SET / "violin").mkdir()
    with pytest.raises(DataError, match="holds the folder violin; expected down, go"):
        plan_speech_commands_12(tree)
    (tree / TEST_SET / "violin").rmdir()
    shutil.copytree(tree / TEST_SET / SILENCE, tree / MAIN / SILENCE)
    with pytest.raises(DataError, match="unpacked among the other recordings"):
        plan_speech_commands_12(tree)
    shutil.rmtree(tree / MAIN / SILENCE)
    shutil.rmtree(tree / MAIN / NOISE)
    with pytest.raises(DataError, match="silence is made from them"):
        plan_speech_commands_12(tree)


def test_a_noise_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    root = write_speech_commands(tmp_path / "root", train_speakers=1, held_out_speakers=1, test_clips=1)
    (root / MAIN / NOISE / "pink_noise.wav").write_bytes(b"no sound")
    store = prepare(plan_speech_commands_12(root), tmp_path / "store")
    assert [entry["path"] for entry in store.info["skipped"]] == [f"{MAIN}/{NOISE}/pink_noise.wav"]
    silent = [index for index, label in enumerate(store.column("label")) if label == SILENCE]
    path = store.column("path")[silent[0]]
    assert path == f"{MAIN}/{NOISE}/doing_the_dishes.wav#0-16000"
    samples, _ = soundfile.read(root / path.partition("#")[0], dtype="int16")
    assert np.array_equal(store.rows(silent[1]), samples[8_000:24_000])
    assert all(store.lengths[index] == 16_000 for index in silent[:-1])
