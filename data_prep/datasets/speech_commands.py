"""Speech Commands V2 (Warden, arXiv 1804.03209): 35 words, and the task of 12 classes made from it.

`speech_commands_v0.02.tar.gz` unpacks without a folder of its own, so the root may be the folder it was unpacked
in, or one that holds that folder under the archive's name (as torchaudio makes it):

    <word>/<speaker>_nohash_<n>.wav        speech_commands_v0.02/<word>/…        SpeechCommands/speech_commands_v0.02/…
    _background_noise_/*.wav
    validation_list.txt, testing_list.txt

The test set of the 12 classes is an archive of its own, `speech_commands_test_set_v0.02.tar.gz`, also without a
folder. It must not be unpacked among the others: it is looked for in a folder `speech_commands_test_set_v0.02` at
the root or next to the first:

    speech_commands_test_set_v0.02/<word>/*.wav, …/_silence_/*.wav, …/_unknown_/*.wav       some end in .wav.wav

35 words (`spcv2`): the files `[a-z]*/*.wav`, sorted; label: the folder; valid and test: the two lists; train: the
rest. Group: the speaker, whose words all lie in one split.

12 classes (`spcv2-12`): ten words, `_silence_` and `_unknown_`. Silence is cut from the background noises in windows
of 1 s every 0.5 s; all other words are unknown, and not thinned out. Two test sets are in use, and accuracies on them
are not comparable:

- `tfds` (TensorFlow Datasets' `speech_commands` 0.0.3): the test set's archive, with silence.
- `archive`: the files of testing_list.txt. No background noise is set aside for it, and a window of one that
  training has heard would be no test, so its test holds no silence; training and validation are those of `tfds`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from randquant.data_prep.dataset import Archive, Dataset, Download
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import read_lines
from randquant.data_prep.recordings import RECORDINGS, samples
from randquant.data_prep.scan import existing_folder, is_visible_folder, sizes_below
from randquant.errors import DataError

SILENCE, UNKNOWN = "_silence_", "_unknown_"
COMMANDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
LABELS = (*COMMANDS, SILENCE, UNKNOWN)  # in TFDS's order
LISTS = {"valid": "validation_list.txt", "test": "testing_list.txt"}
NOISE = "_background_noise_"
VALID_NOISE = "running_tap.wav"
WINDOW, STEP = 16_000, 8_000  # samples
MAIN, TEST_SET = "speech_commands_v0.02", "speech_commands_test_set_v0.02"
_PLACES = ("", f"{MAIN}/", f"SpeechCommands/{MAIN}/")

Variant = Literal["tfds", "archive"]


def plan_speech_commands(root: str | Path) -> Plan:
    """All recordings of words, with 35 labels, sorted by path.

    What the lists name and is not there is counted as `missing`.

    Raises:
        DataError: no Speech Commands at `root`; a list is missing or wrong, or names a file that the other names
            too; no recordings; both archives were unpacked into one folder.
    """
    main = _main(find_root(root, SPCV2))
    items, missing = _words(main)
    split_source = " and ".join(LISTS.values())
    return Plan(main, items, RECORDINGS, SPCV2.describe(main, items, split_source, missing=missing), missing)


def plan_speech_commands_12(root: str | Path, variant: Variant = "tfds") -> Plan:
    """The recordings of words, then the windows of silence, then those of the test set, each sorted by path.

    Args:
        root: folder that holds both archives' folders.
        variant: "tfds" with the test set's own archive, "archive" with testing_list.txt.

    Raises:
        DataError: as `plan_speech_commands`; no background noises; for `tfds`, no test set or an unknown class in
            it.
    """
    main = _main(find_root(root, SPCV2_12))
    words, missing = _words(main)
    items = [replace(item, label=item.label if item.label in COMMANDS else UNKNOWN) for item in words]
    silence = _silence(main)
    if variant == "archive":
        items += silence
        return Plan(main, items, RECORDINGS, _source_12(main, items, missing, variant), missing)
    tests = _test_set(main, Path(root))
    common = tests.parent if tests.parent == main.parent else main if tests.parent == main else Path(root)
    learned = [item for item in items if item.split != "test"] + silence
    items = _below(main, common, learned) + _below(tests, common, _tests(tests))
    return Plan(common, items, RECORDINGS, _source_12(main, items, missing, variant), missing)


def silence_windows(length: int) -> list[tuple[int, int]]:
    """The windows of a background noise of `length` samples; none ends with its last sample.

    Source: TensorFlow Datasets, speech_commands 0.0.3.

    >>> silence_windows(32_000)
    [(0, 16000), (8000, 24000)]
    """
    return [(start, start + WINDOW) for start in range(0, length - WINDOW, STEP)]


def _main(root: Path) -> Path:
    """The folder of words, without the test set mixed in."""
    main = next(root / place for place in _PLACES if any((root / place / mark).exists() for mark in _MARKS))
    mixed = [label for label in (SILENCE, UNKNOWN) if (main / label).is_dir()]
    if mixed:
        raise DataError(
            f"{main} holds {mixed[0]}: the test set was unpacked among the other recordings, and cannot be told from "
            f"them; unpack {MAIN}.tar.gz and {TEST_SET}.tar.gz again, each into a folder of its name."
        )
    return main


def _words(main: Path) -> tuple[list[Item], list[str]]:
    """All recordings of words with their splits, and the listed recordings that are missing."""
    splits = _read_splits(main)
    folders = [folder.name for folder in main.iterdir() if "a" <= folder.name[:1] <= "z"]
    sizes = sizes_below(main, folders, (".wav",))
    if not sizes:
        raise DataError(f"{main} holds no recordings <word>/*.wav; unpack {MAIN}.tar.gz again.")
    items = [
        Item(path, sizes[path], path.split("/")[0], _speaker(path), splits.get(path, "train")) for path in sorted(sizes)
    ]
    return items, sorted(splits.keys() - sizes.keys())


def _read_splits(main: Path) -> dict[str, str]:
    splits: dict[str, str] = {}
    for split, name in LISTS.items():
        for number, path in enumerate(read_lines(main / name, f"Speech Commands' {name}"), start=1):
            if not path:
                continue
            if path.count("/") != 1 or not path.endswith(".wav") or path.startswith((".", "/")):
                raise DataError(f"{main / name} line {number} reads {path[:60]!r} where <word>/<file>.wav is expected.")
            if path in splits:
                raise DataError(
                    f"{main / name} line {number} names {path} again, which is in {LISTS[splits[path]]}; restore the "
                    "lists from the archive."
                )
            splits[path] = split
    return splits


def _speaker(path: str) -> str | None:
    speaker, mark, _ = PurePosixPath(path).name.partition("_nohash_")
    return speaker if mark else None


def _silence(main: Path) -> list[Item]:
    """The windows of the background noises. One with an unreadable header is planned whole, to be reported."""
    folder = main / NOISE
    noises = sorted(sizes_below(main, [NOISE], (".wav",)).items())
    if not noises:
        raise DataError(f"{folder} holds no recordings, but silence is made from them; unpack {MAIN}.tar.gz again.")
    items = []
    for path, size in noises:
        name = path.rpartition("/")[2]
        split = "valid" if name == VALID_NOISE else "train"
        length = samples(main / path)
        parts: Iterable[tuple[int, int] | None] = (None,) if length is None else silence_windows(length)
        items += [Item(path, size, SILENCE, name.removesuffix(".wav"), split, part) for part in parts]
    return items


def _test_set(main: Path, root: Path) -> Path:
    places = [folder / TEST_SET for folder in (root, main.parent, main)]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise DataError(
            f"{main} has no test set of the 12 classes next to it; unpack {TEST_SET}.tar.gz into {places[1]}, or give "
            "--variant archive."
        )
    return found


def _tests(folder: Path) -> list[Item]:
    labels = sorted(entry.name for entry in existing_folder(folder).iterdir() if is_visible_folder(entry))
    unknown = [label for label in labels if label not in LABELS]
    if unknown:
        raise DataError(f"{folder} holds the folder {unknown[0]}; expected {', '.join(LABELS)}, as in its archive.")
    sizes = sizes_below(folder, labels, (".wav",))
    items = [Item(path, sizes[path], path.split("/")[0], _speaker(path), "test") for path in sorted(sizes)]
    if not items:
        raise DataError(f"{folder} holds no recordings; unpack {TEST_SET}.tar.gz into it again.")
    return items


def _below(folder: Path, root: Path, items: Sequence[Item]) -> list[Item]:
    """The items with paths from `root` instead of `folder`."""
    above = folder.relative_to(root)
    return [replace(item, path=(above / item.path).as_posix()) for item in items]


def _source_12(main: Path, items: Sequence[Item], missing: Sequence[str], variant: Variant) -> dict[str, Any]:
    tests = {
        "tfds": f"test from {TEST_SET}",
        "archive": f"test from {LISTS['test']}, without {SILENCE}",
    }
    split_source = f"{variant}: {LISTS['valid']} and {VALID_NOISE}, {tests[variant]}"
    source = SPCV2_12.describe(main, items, split_source, missing=missing)
    published = {**SPCV2_12.items, "test": SPCV2.items["test"]} if variant == "archive" else dict(SPCV2_12.items)
    return {**source, "variant": variant, "published": published}


_MARKS = (*LISTS.values(), NOISE)
_LICENCE = "CC BY 4.0"
_SOURCE = "Warden, Speech Commands: a dataset for limited-vocabulary speech recognition, arXiv 1804.03209"
_TREE = f"<word>/<speaker>_nohash_<n>.wav\n{NOISE}/*.wav\n{LISTS['valid']}\n{LISTS['test']}"
_URL = "https://storage.googleapis.com/download.tensorflow.org/data"
_MAIN_DOWNLOAD = Download(
    f"{_URL}/{MAIN}.tar.gz",
    f"{MAIN}.tar.gz",
    sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
    md5="6b74f3901214cb2c2934e98196829835",
)
_TEST_DOWNLOAD = Download(
    f"{_URL}/{TEST_SET}.tar.gz",
    f"{TEST_SET}.tar.gz",
    sha256="cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
    md5="854c580ee90bff80c516491c84544e32",
)

SPCV2 = Dataset(
    name="spcv2",
    title="Speech Commands V2",
    kind="audio",
    licence=_LICENCE,
    source=_SOURCE,
    tree=_TREE,
    marks=tuple(f"{place}{mark}" for place in _PLACES for mark in _MARKS),
    plan=plan_speech_commands,
    items={"train": 84_843, "valid": 9_981, "test": 11_005},
    classes=35,
    archives=(Archive(f"{MAIN}.tar.gz", into=MAIN),),
    downloads=(_MAIN_DOWNLOAD,),
)
SPCV2_12 = Dataset(
    name="spcv2-12",
    title="Speech Commands V2, 12 classes",
    kind="audio",
    licence=_LICENCE,
    source=f"{_SOURCE}; TensorFlow Datasets, speech_commands 0.0.3",
    tree="\n".join(f"{MAIN}/{line}" for line in _TREE.splitlines()) + f"\n{TEST_SET}/<class>/*.wav",
    marks=SPCV2.marks,
    plan=plan_speech_commands_12,
    items={"train": 85_511, "valid": 10_102, "test": 4_890},
    classes=len(LABELS),
    archives=(Archive(f"{MAIN}.tar.gz", into=MAIN), Archive(f"{TEST_SET}.tar.gz", into=TEST_SET)),
    downloads=(_MAIN_DOWNLOAD, _TEST_DOWNLOAD),
)
