"""The synthetic datasets have the real ones' form, and their sounds carry the label."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.datasets.speech_commands import silence_windows
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.fetching.archives import unpacked_root
from randquant.data_prep.synthetic.sounds.audioset import write_audioset
from randquant.data_prep.synthetic.sounds.events import EVENTS, synthesize_event
from randquant.data_prep.synthetic.sounds.fsd50k import write_fsd50k
from randquant.data_prep.synthetic.sounds.notes import FAMILIES, TRAIN_ONLY, Instrument, synthesize
from randquant.data_prep.synthetic.sounds.nsynth import _draw_instruments, write_nsynth
from randquant.data_prep.synthetic.sounds.speech_commands import COMMANDS, NOISES, WORDS, write_speech_commands
from randquant.data_prep.synthetic.sounds.us8k import write_us8k
from randquant.data_prep.synthetic.sounds.voices import LANGUAGES, PHONES, draw_voices, say_word, speak
from randquant.data_prep.synthetic.sounds.voxceleb1 import write_voxceleb1
from randquant.data_prep.synthetic.sounds.voxforge import write_voxforge
from randquant.errors import DataError
from tests.data_prep.packing import pack

# The keys of a note in the published examples.json.
KEYS = {
    "instrument",
    "instrument_family",
    "instrument_family_str",
    "instrument_source",
    "instrument_source_str",
    "instrument_str",
    "note",
    "note_str",
    "pitch",
    "qualities",
    "qualities_str",
    "sample_rate",
    "velocity",
}
# As small as each can be, by the name of its writer.
SMALLEST: dict[str, dict[str, Any]] = {
    "nsynth": {"train_instruments": 1, "held_out_instruments": 1, "notes_per_instrument": 1},
    "us8k": {"slices_per_class": 1},
    "voxceleb1": {"speakers": 4, "train_videos": 1, "utterances_per_video": 1},
    "voxforge": {"speakers_per_language": 1, "recordings": 1},
    "speech_commands": {"train_speakers": 1, "held_out_speakers": 1, "test_clips": 1},
    "audioset": {"balanced": 6, "unbalanced": 6, "evaluation": 6},
    "fsd50k": {"dev": 5, "evaluation": 2},
}
WRITERS: dict[str, Callable[..., Path]] = {
    "nsynth": write_nsynth,
    "us8k": write_us8k,
    "voxceleb1": write_voxceleb1,
    "voxforge": write_voxforge,
    "speech_commands": write_speech_commands,
    "audioset": write_audioset,
    "fsd50k": write_fsd50k,
}
PLANS = {**{name: name for name in SMALLEST if name != "speech_commands"}, "spcv2": "speech_commands"}
PLANS["spcv2-12"] = "speech_commands"
# What prepared stores would hold, by dataset, of what the fixture `roots` writes.
ITEMS = {"us8k": 200, "voxceleb1": 128, "fsd50k": 40, "audioset": 60, "nsynth": 3 * (2 * 11 + 10 + 10)}


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All datasets in their default sizes, NSynth smaller; what is to be given as --root."""
    base = tmp_path_factory.mktemp("synthetic")
    sizes = {"nsynth": {"train_instruments": 2, "held_out_instruments": 1, "notes_per_instrument": 3}}
    return {name: write(base / name, **sizes.get(name, {})) for name, write in WRITERS.items()}


def plan(name: str, roots: dict[str, Path]) -> Plan:
    return DATASETS[name].plan(roots[PLANS[name]])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def table(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


# Every dataset


@pytest.mark.parametrize("name", WRITERS)
def test_seed_decides_everything(name: str, tmp_path: Path) -> None:
    write = WRITERS[name]
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write(tmp_path / folder, **SMALLEST[name], seed=seed)
    same, again, other = (contents(tmp_path / folder) for folder in "abc")
    assert same == again
    assert same != other


@pytest.mark.parametrize("name", WRITERS)
def test_repeating_completes_and_another_set_is_refused(name: str, tmp_path: Path) -> None:
    write = WRITERS[name]
    write(tmp_path, **SMALLEST[name])
    whole = contents(tmp_path)
    parts = sorted(path for path in tmp_path.iterdir() if path.name != "synthetic.json")
    times = {path: path.stat().st_mtime_ns for path in parts[1:]}
    parts[0].rename(tmp_path.parent / f"{tmp_path.name}-lost")
    write(tmp_path, **SMALLEST[name])
    assert contents(tmp_path) == whole
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    with pytest.raises(DataError, match="already holds another"):
        write(tmp_path, **SMALLEST[name], seed=1)


@pytest.mark.parametrize("name", WRITERS)
def test_bad_numbers(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        WRITERS[name](tmp_path, **{**SMALLEST[name], next(iter(SMALLEST[name])): 0})


def test_an_interrupted_part_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            write_voxceleb1(tmp_path, **SMALLEST["voxceleb1"])
    assert [path.name for path in tmp_path.iterdir()] == ["synthetic.json"]
    write_voxceleb1(tmp_path, **SMALLEST["voxceleb1"])


@pytest.mark.parametrize("name", PLANS)
def test_plans_take_all_of_it(name: str, roots: dict[str, Path]) -> None:
    made = plan(name, roots)
    if name in ITEMS:
        assert len(made.items) == ITEMS[name]
    assert made.source.get("unlisted", 0) == made.source.get("doubled", 0) == 0
    assert (len(made.missing) > 0 or made.source["missing"] > 0) == (name == "audioset")
    if made.items[0].label is not None:
        classes = {item.label for item in made.items}
        assert len(classes) == (8 if name == "voxceleb1" else DATASETS[name].classes)
        learned = {item.label for item in made.items if item.split in ("train", "fold1")}
        assert classes == learned


@pytest.mark.parametrize("name", ["nsynth", "us8k", "voxceleb1", "voxforge", "spcv2-12"])
def test_archives_hold_the_same(name: str, roots: dict[str, Path], tmp_path: Path) -> None:
    tree = plan(name, roots)
    packed = pack(PLANS[name], roots[PLANS[name]], tmp_path / "archives")
    unpacked = DATASETS[name].plan(unpacked_root(packed, DATASETS[name], tmp_path / "tree"))
    assert sorted((item.size, item.label, item.group, item.split, item.window) for item in unpacked.items) == sorted(
        (item.size, item.label, item.group, item.split, item.window) for item in tree.items
    )


def test_names_of_archives(roots: dict[str, Path], tmp_path: Path) -> None:
    names = {path.name for path in pack("voxceleb1", roots["voxceleb1"], tmp_path / "a").iterdir()}
    assert names == {*(f"vox1_dev_wav_parta{part}" for part in "abcd"), "vox1_test_wav.zip", "iden_split.txt"}
    names = {path.name for path in pack("nsynth", roots["nsynth"], tmp_path / "b").iterdir()}
    assert names == {f"nsynth-{split}.jsonwav.tar.gz" for split in ("train", "valid", "test")}
    with pytest.raises(DataError, match="not published"):
        pack("audioset", roots["audioset"], tmp_path / "c")
    with pytest.raises(DataError, match="does not exist"):
        pack("nsynth", roots["us8k"], tmp_path / "d")


# Each dataset


def notes(root: Path, split: str) -> dict[str, dict]:
    return json.loads((root / f"nsynth-{split}" / "examples.json").read_text())


def test_nsynth_tree_and_keys(roots: dict[str, Path]) -> None:
    root = roots["nsynth"]
    for split, instruments in (("train", 2 * 11), ("valid", 10), ("test", 10)):
        examples = notes(root, split)
        assert len(examples) == 3 * instruments
        files = {path.stem for path in (root / f"nsynth-{split}" / "audio").glob("*.wav")}
        assert files == set(examples)
        for name, note in examples.items():
            assert set(note) == KEYS
            assert note["note_str"] == name == f"{note['instrument_str']}-{note['pitch']:03d}-{note['velocity']:03d}"
            assert list(FAMILIES)[note["instrument_family"]] == note["instrument_family_str"]
            assert len(note["qualities"]) == 10
            assert sum(note["qualities"]) == len(note["qualities_str"])


def test_families_are_nsynths() -> None:
    expected = "bass brass flute guitar keyboard mallet organ reed string synth_lead vocal"
    assert list(FAMILIES) == expected.split()


def test_nsynth_instruments_and_families_of_the_splits(roots: dict[str, Path]) -> None:
    by_split = {split: list(notes(roots["nsynth"], split).values()) for split in ("train", "valid", "test")}
    instruments = {split: {n["instrument_str"] for n in found} for split, found in by_split.items()}
    assert not instruments["train"] & instruments["valid"]
    assert not instruments["train"] & instruments["test"]
    assert not instruments["valid"] & instruments["test"]
    assert len({n["instrument"] for found in by_split.values() for n in found}) == 22 + 10 + 10
    assert {n["instrument_family_str"] for n in by_split["train"]} == set(FAMILIES)
    for split in ("valid", "test"):
        assert {n["instrument_family_str"] for n in by_split[split]} == set(FAMILIES) - set(TRAIN_ONLY)


def test_nsynth_files_are_four_seconds_of_sound(roots: dict[str, Path]) -> None:
    for path in sorted(roots["nsynth"].glob("nsynth-test/audio/*.wav")):
        information = soundfile.info(path)
        assert (information.samplerate, information.channels, information.frames) == (16000, 1, 64000)
        assert information.subtype == "PCM_16"
        samples, _ = soundfile.read(path)
        assert 10 ** (-20.1 / 20) < np.abs(samples).max() < 10 ** (-0.9 / 20)


def test_us8k_table(roots: dict[str, Path]) -> None:
    rows = table(roots["us8k"] / "metadata" / "UrbanSound8K.csv")
    assert list(rows[0]) == [*("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")]
    assert Counter((row["fold"], row["class"]) for row in rows) == {
        (str(fold), label): 2 for fold in range(1, 11) for label in EVENTS
    }
    folds = {row["fsID"]: row["fold"] for row in rows}
    assert all(folds[row["fsID"]] == row["fold"] for row in rows)
    for row in rows:
        assert row["slice_file_name"].startswith(f"{row['fsID']}-{row['classID']}-")
        assert sorted(EVENTS)[int(row["classID"])] == row["class"]
        information = soundfile.info(roots["us8k"] / "audio" / f"fold{row['fold']}" / row["slice_file_name"])
        seconds = float(row["end"]) - float(row["start"])
        padding = 4096 if information.subtype == "MS_ADPCM" else 1  # ADPCM comes in blocks
        assert 0 <= information.frames - int(seconds * information.samplerate) <= padding


def test_us8k_formats_and_litter(roots: dict[str, Path]) -> None:
    files = sorted(roots["us8k"].glob("audio/fold*/[0-9]*.wav"))
    found = [soundfile.info(path) for path in files]
    assert {i.samplerate for i in found} >= {8_000, 11_025, 16_000, 44_100, 48_000, 96_000, 192_000}
    assert {i.subtype for i in found} == {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "MS_ADPCM"}
    assert {i.channels for i in found} == {1, 2}
    assert min(i.duration for i in found) == pytest.approx(0.05)
    assert max(i.duration for i in found) == pytest.approx(4.0)
    for fold in range(1, 11):
        names = {path.name for path in (roots["us8k"] / "audio" / f"fold{fold}").iterdir()}
        assert ".DS_Store" in names
        assert any(name.startswith("._") for name in names)


def test_voxceleb1_list(roots: dict[str, Path]) -> None:
    root = roots["voxceleb1"]
    lines = (root / "iden_split.txt").read_text().splitlines()
    parsed = [re.fullmatch(r"([123]) (id\d{5})/([\w-]{11})/(\d{5}\.wav)", line) for line in lines]
    assert {line.split()[1] for line in lines} == {
        path.relative_to(root / "wav").as_posix() for path in root.glob("wav/*/*/*.wav")
    }
    splits: dict[str, set[str]] = {}
    videos: dict[str, set[str]] = {}
    for match in parsed:
        assert match
        splits.setdefault(match[2], set()).add(match[1])
        videos.setdefault(match[3], set()).add(match[1])
    assert all(found == {"1", "2", "3"} for found in splits.values())
    assert all(len(found) == 1 for found in videos.values())
    assert {name >= "id10270" for name in splits} == {False, True}


def test_voxforge_list_and_oddities(roots: dict[str, Path]) -> None:
    root = roots["voxforge"]
    lines = (root / "voxforge_urls.txt").read_text().splitlines()
    pattern = (
        r"www\.repository\.voxforge1\.org/downloads/(\w\w)/Trunk/Audio/Main/16kHz_16bit/((\w+)-\d{8}-[a-z]{3})\.tgz"
    )
    parsed = [re.fullmatch(pattern, line) for line in lines]
    languages: dict[str, set[str]] = {}
    for match in parsed:
        assert match
        languages.setdefault(match[3], set()).add(match[1])
    stems = [match[2] for match in parsed if match]
    assert len(set(stems)) == len(stems) > len(languages)  # speakers come back
    assert set(stems) == {path.name for path in root.iterdir() if path.is_dir()}
    assert {name for name, found in languages.items() if len(found) > 1} == {"anonymous"}
    assert set().union(*languages.values()) == set(LANGUAGES)
    assert [path.parent.name for path in root.glob("*/flac")] == [s for s in stems if not (root / s / "wav").exists()]
    assert len(list(root.glob("*/flac"))) == 1
    items = plan("voxforge", roots).items
    for split in ("train", "test"):
        assert {item.label for item in items if item.split == split} == set(LANGUAGES)


def test_speech_commands_tree(roots: dict[str, Path]) -> None:
    main = roots["speech_commands"] / "speech_commands_v0.02"
    assert {path.name for path in main.iterdir() if path.is_dir()} == {*WORDS, "_background_noise_"}
    assert len(WORDS) == 35
    assert {path.stem for path in main.glob("_background_noise_/*.wav")} == set(NOISES)
    assert all(soundfile.info(path).duration >= 2 for path in main.glob("_background_noise_/*.wav"))
    listed = [(main / f"{name}_list.txt").read_text().split() for name in ("validation", "testing")]
    assert not set(listed[0]) & set(listed[1])
    assert all((main / name).is_file() for names in listed for name in names)
    speakers = [{name.split("/")[1].split("_")[0] for name in names} for names in listed]
    files = {path.relative_to(main).as_posix() for path in main.glob("[a-z]*/*.wav")}
    speakers.append({name.split("/")[1].split("_")[0] for name in files - set(listed[0]) - set(listed[1])})
    assert sum(map(len, speakers)) == len(set().union(*speakers)) == 5 + 2 + 2
    assert all(re.fullmatch(r"[a-z]+/[0-9a-f]{8}_nohash_\d\.wav", name) for name in files)
    seconds = [soundfile.info(main / name).duration for name in files]
    assert max(seconds) == 1.0
    assert 0 < sum(length < 1 for length in seconds) < 0.25 * len(seconds)


def test_speech_commands_test_set(roots: dict[str, Path]) -> None:
    folder = roots["speech_commands"] / "speech_commands_test_set_v0.02"
    assert Counter(path.parent.name for path in folder.glob("*/*.wav")) == dict.fromkeys(
        (*COMMANDS, "_silence_", "_unknown_"), 4
    )
    doubled = [path for path in folder.glob("*/*.wav") if path.name.endswith(".wav.wav")]
    assert 0 < len(doubled) < 24


def test_noises_of_nominal_length_make_the_published_windows() -> None:
    counts = {name: len(silence_windows(length)) for name, length in NOISES.items()}
    assert counts.pop("running_tap") == 121
    assert sum(counts.values()) == 668


def test_noises_of_nominal_length_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in enumerate(NOISES):
        monkeypatch.setitem(NOISES, name, 40_000 + place)
    root = write_speech_commands(tmp_path, **SMALLEST["speech_commands"], noise_seconds=None)
    for name, length in NOISES.items():
        assert soundfile.info(root / f"speech_commands_v0.02/_background_noise_/{name}.wav").frames == length
    with pytest.raises(ValueError, match="at least 2"):
        write_speech_commands(tmp_path, noise_seconds=1.0)


def test_audioset_lists(roots: dict[str, Path]) -> None:
    root = roots["audioset"]
    known = {row["mid"] for row in table(root / "class_labels_indices.csv")}
    for name, count in (("balanced_train", 30), ("unbalanced_train", 42), ("eval", 18)):
        lines = (root / f"{name}_segments.csv").read_text().splitlines()
        assert all(line.startswith("# ") for line in lines[:3])
        assert lines[2] == "# YTID, start_seconds, end_seconds, positive_labels"
        rows = list(csv.reader(lines[3:], skipinitialspace=True))
        assert len(rows) == count
        assert f"num_segs={count}," in lines[1]
        assert {mid for row in rows for mid in row[3].split(",")} <= known
        assert any("," in row[3] for row in rows)
        assert all(len(row[0]) == 11 and float(row[2]) - float(row[1]) == 10 for row in rows)
        files = [path for path in (root / f"{name}_segments").rglob("*") if path.is_file()]
        assert len(files) == count - count // 6
        assert {path.suffix for path in files} == {".wav", ".flac"}
        assert any(path.name.startswith("Y") for path in files)


def test_fsd50k_truth(roots: dict[str, Path]) -> None:
    root = roots["fsd50k"]
    dev, evaluation = (table(root / "FSD50K.ground_truth" / f"{part}.csv") for part in ("dev", "eval"))
    assert list(dev[0]) == ["fname", "labels", "mids", "split"]
    assert list(evaluation[0]) == ["fname", "labels", "mids"]
    assert Counter(row["split"] for row in dev) == {"train": 32, "val": 8}
    vocabulary = {line.split(",")[1] for line in (root / "FSD50K.ground_truth/vocabulary.csv").read_text().split()}
    for part, rows in (("dev", dev), ("eval", evaluation)):
        files = {path.stem: soundfile.info(path) for path in root.glob(f"FSD50K.{part}_audio/*.wav")}
        assert set(files) == {row["fname"] for row in rows}
        assert {(i.samplerate, i.channels, i.subtype) for i in files.values()} == {(44_100, 1, "PCM_16")}
        assert {label for row in rows for label in row["labels"].split(",")} <= vocabulary
        assert all(row["labels"].count(",") == row["mids"].count(",") for row in rows)


# Sounds


def instruments(count: int) -> list[Instrument]:
    generator = torch.Generator().manual_seed(0)
    return list(_draw_instruments({"train": count, "valid": 1, "test": 1}, "train", 0, generator))


def test_the_pitch_is_there() -> None:
    """The fundamental, or for struck and modulated sounds a low partial of it, is among the strongest lines."""
    for instrument in instruments(1):
        note = synthesize(instrument, 60, 100, generator=torch.Generator().manual_seed(1))
        assert note.dtype == np.float32
        assert np.isfinite(note).all()
        spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note))))
        fundamental = round(261.63 * 4)
        assert spectrum[fundamental - 12 : fundamental + 13].max() > 0.02 * spectrum.max(), instrument.name


def test_level_tells_nothing_about_the_label() -> None:
    generator = torch.Generator().manual_seed(2)
    voice = draw_voices(1, generator)[0]
    sounds = {
        name: [synthesize(x, 60, 75, generator=generator) for x in instruments(8) if x.family == name]
        for name in ("bass", "mallet", "vocal")
    }
    sounds |= {name: [synthesize_event(EVENTS[name], 0.3, generator=generator) for _ in range(8)] for name in EVENTS}
    sounds |= {word: [say_word(voice, word, 1.0, generator=generator) for _ in range(8)] for word in WORDS[:5]}
    for name, drawn in sounds.items():
        levels = [20 * np.log10(np.abs(sound).max()) for sound in drawn]
        assert min(levels) > -20.01, name
        assert max(levels) < -0.99, name
        # A uniform draw over 19 dB has a standard deviation of 5.5 dB, its mean over 8 one of 1.9 dB.
        assert abs(np.mean(levels) + 10.5) < 4 * 1.9, name


def test_every_letter_and_rate_can_be_sounded() -> None:
    voice = draw_voices(2, torch.Generator().manual_seed(0))[0]
    for letters in (*PHONES, *(language.letters for language in LANGUAGES.values()), *WORDS):
        speech = speak(voice, letters, 0.4)
        assert speech.shape == (6400,)
        assert speech.dtype == np.float32
        assert np.isfinite(speech).all()
    for rate in (8_000, 22_050, 192_000):
        for event in EVENTS.values():
            sound = synthesize_event(event, 0.05, rate=rate)
            assert sound.shape == (round(0.05 * rate),)
            assert sound.dtype == np.float32
            assert np.isfinite(sound).all()


def test_voices_are_spread() -> None:
    voices = draw_voices(20, torch.Generator().manual_seed(0))
    pitches = sorted(voice.pitch for voice in voices)
    assert pitches[0] < 90
    assert pitches[-1] > 240
    assert all(80 <= pitch <= 272 for pitch in pitches)
    correlation = np.corrcoef([voice.pitch for voice in voices], [voice.tract for voice in voices])[0, 1]
    assert abs(correlation) < 0.6


@pytest.mark.parametrize(
    ("name", "least"), [("us8k", 0.6), ("voxceleb1", 0.6), ("voxforge", 0.5), ("spcv2", 0.25), ("spcv2-12", 0.3)]
)
def test_a_linear_probe_finds_the_label(name: str, least: float, roots: dict[str, Path]) -> None:
    """Chance is 10, 12.5, 17, 3 and 8 %, and the commonest class at most 36 %."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    made = plan(name, roots)
    tested = np.array([item.split in ("test", "fold1", "fold2") for item in made.items])
    learned = np.array([item.split == "train" or str(item.split).startswith("fold") for item in made.items]) & ~tested
    labels = np.array([item.label for item in made.items])
    features = np.stack([log_mel_statistics(made, index) for index in range(len(made.items))])
    probe = make_pipeline(StandardScaler(), RidgeClassifier(alpha=30.0))
    probe.fit(features[learned], labels[learned])
    assert probe.score(features[tested], labels[tested]) > least


def log_mel_statistics(made: Plan, index: int) -> np.ndarray:
    from randquant.audio.decode import read_audio
    from randquant.audio.spectrogram.logmel import LogMel

    item = made.items[index]
    start, stop = item.window or (0, 64_000)
    waveform = read_audio(made.root / item.path)[start:stop]
    waveform = np.pad(waveform, (0, max(0, 3200 - len(waveform))))
    frames = LogMel()(torch.from_numpy(waveform)[None])[0, 0].numpy()
    thirds = [part.mean(1) for part in np.array_split(frames, 3, axis=1)]
    return np.concatenate([frames.std(1), *thirds])
