"""NSynth (Engel et al., 2017): 305,979 notes of 4 s, eleven instrument families.

The tree is that of the three `nsynth-*.jsonwav.tar.gz` archives unpacked side by side:

    nsynth-{train,valid,test}/audio/<note_str>.wav
    nsynth-{train,valid,test}/examples.json

Label: `instrument_family_str`. Split: the folder. Group: `instrument_str`; no instrument of train occurs in
the others.
"""

from pathlib import Path
from typing import Any

from data_prep.folder import existing_folder, file_size
from data_prep.preparation import Item, Plan
from data_prep.recordings import RECORDINGS
from randquant.atomic import read_json
from randquant.errors import DataError
from randquant.store import SPLITS


def plan_nsynth(root: str | Path) -> Plan:
    """The notes of all splits that are there, train first, sorted by name.

    A note that examples.json names and that has no file is planned all the same: it is reported as
    unreadable.

    Raises:
        DataError: none of the three folders is there, or one lacks its examples.json or `audio`.
    """
    root = existing_folder(root)
    present = [split for split in SPLITS if (root / f"nsynth-{split}").is_dir()]
    if not present:
        raise DataError(f"{root} holds none of nsynth-train, nsynth-valid, nsynth-test; give the folder they lie in.")
    items = [item for split in present for item in _notes(root, split)]
    missing = [split for split in SPLITS if split not in present]
    return Plan(root, items, RECORDINGS, {"dataset": "nsynth", "root": str(root), "missing_splits": missing})


def _notes(root: Path, split: str) -> list[Item]:
    folder = root / f"nsynth-{split}"
    if not (folder / "audio").is_dir():
        raise DataError(f"{folder} has no folder audio; unpack its archive again.")
    notes = read_json(folder / "examples.json")
    return [_item(root, split, name, notes[name], folder / "examples.json") for name in sorted(notes)]


def _item(root: Path, split: str, name: str, note: Any, table: Path) -> Item:
    path = f"nsynth-{split}/audio/{name}.wav"
    try:
        label, group = note["instrument_family_str"], note["instrument_str"]
    except (KeyError, TypeError):
        raise DataError(f"{table} lacks instrument_family_str or instrument_str for {name}; unpack it again.") from None
    return Item(path, file_size(root / path), str(label), str(group), split)
