"""Write a synthetic dataset part by part, in a folder that records how it was made."""

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile
import torch

from randquant.audio.crops import SAMPLE_RATE
from randquant.data_prep.synthetic.sounds.waves import Array
from randquant.errors import DataError
from randquant.files.atomic import atomic_path, read_json, write_json

RECORD = "synthetic.json"
_FINDER = b"\x00\x00\x00\x01Bud1" + bytes(120)  # how a .DS_Store of macOS begins
_FORK = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(96)  # how its ._* files begin


def write_parts(
    root: Path, title: str, parameters: dict[str, Any], parts: Mapping[str, Callable[[Path], None]]
) -> Path:
    """Write the missing parts of a dataset, each atomically, and return `root`.

    Args:
        root: folder to write into; how it is made is noted there.
        title: of the dataset, for the sentence of a refusal.
        parameters: all that decides the outcome, ready for JSON.
        parts: by name below `root`, what writes that file or folder to the path it is given.

    Raises:
        DataError: `root` holds such parts made in another way.
    """
    record = root / RECORD
    if not record.is_file() or read_json(record) != parameters:
        if any((root / name).exists() for name in parts):
            raise DataError(f"{root} already holds another {title}; choose a new folder, or delete that one.")
        write_json(record, parameters)
    for name, write in parts.items():
        if not (root / name).exists():
            with atomic_path(root / name) as temporary:
                write(temporary)
    return root


def check_counts(**counts: int) -> None:
    """Refuse numbers below 1.

    Raises:
        ValueError: one is.
    """
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} should be at least 1, got {count}")


def torch_generator(seed: int, *names: object) -> torch.Generator:
    """A generator that depends on seed and name alone, so that the order of writing does not matter."""
    return torch.Generator().manual_seed(zlib.crc32("/".join(map(str, (seed, *names))).encode()))


def letters(alphabet: str, count: int, generator: torch.Generator) -> str:
    """`count` letters of an alphabet, drawn one by one."""
    return "".join(alphabet[i] for i in torch.randint(len(alphabet), (count,), generator=generator).tolist())


def write_sound(
    path: Path, waveform: Array, *, rate: int = SAMPLE_RATE, subtype: str = "PCM_16", format: str = "WAV"
) -> None:
    """Write (T,) or (T, channels), through memory, which preserves the cause of a failure such as a full disk."""
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, format=format, subtype=subtype)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_undated(file.getvalue()))


def _undated(content: bytes) -> bytes:
    """Remove the time of writing from the PEAK chunk of float files."""
    place = content.find(b"PEAK", 0, 100) + 12
    return content if place < 12 else content[:place] + bytes(4) + content[place + 4 :]


def write_csv(path: Path, rows: Iterable[Sequence[object]], *, header: Sequence[str] = ()) -> None:
    """Write a CSV file."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header] if header else [])
        writer.writerows(rows)


def write_macos_files(folder: Path, name: str) -> None:
    """What macOS leaves in a folder: a .DS_Store, and a `._` file next to the file `name`."""
    (folder / ".DS_Store").write_bytes(_FINDER)
    (folder / f"._{name}").write_bytes(_FORK)
