"""Damaged recordings, and what is in them by a reading that shares nothing with ours."""

import random
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.campaign.batch import Damaged, Kind, Taken
from tests.campaign.damage import damages, impostors
from tests.campaign.material import RATE, SAMPLES, encoded, tone, wav

_FRAMES = 2 * 1152 + 529  # what an encoder may add at an end, in samples of the file
_PROMISES_NOTHING = (".ogg", ".mp3")  # a shorter file is a good one


def sound_kinds() -> list[Kind]:
    """Formats, each with a good file of 0.25 s."""
    contents = {
        ".wav": (wav(tone(3)), [12, 20, 36, 40, 44, 45]),
        ".flac": (encoded("FLAC"), [4, 8, 42]),
        ".ogg": (encoded("OGG", "VORBIS"), []),
        ".mp3": (encoded("MP3"), []),
        ".aiff": (encoded("AIFF"), [12, 20, 38, 54]),
        ".w64": (encoded("W64"), [16, 40, 104]),
        ".caf": (encoded("CAF"), [8, 20, 64]),
    }
    contents[".ogg"][1].extend(_pages(contents[".ogg"][0]))
    return [Kind("folder", suffix, content, edges, right_sound) for suffix, (content, edges) in contents.items()]


def _pages(content: bytes) -> list[int]:
    return [place for place in range(len(content)) if content[place : place + 4] == b"OggS"]


def right_sound(damaged: Damaged, taken: Taken) -> str | None:
    """What is wrong with the samples that were stored, None where nothing is."""
    count = len(taken.rows)
    if damaged.suffix == ".wav":
        wanted = wav_seconds(damaged.content)
        if wanted is not None and abs(count - wanted * RATE) <= max(2, 2 * wanted * RATE / SAMPLES):
            return None
        if damaged.kind.startswith("appended") and count == SAMPLES:  # the sizes of the header agree about its end
            return None
        return f"{count} samples stored where the file holds {wanted and round(wanted * RATE)}"
    if abs(count - SAMPLES) <= (_FRAMES if damaged.suffix in _PROMISES_NOTHING else 1):
        return None
    shorter = damaged.kind.startswith("cut at") and damaged.suffix in _PROMISES_NOTHING
    if shorter and count < SAMPLES:
        return None
    doubled = damaged.kind == "twice" and abs(count - 2 * SAMPLES) <= 2 * _FRAMES
    return None if doubled else f"{count} samples stored where the good file holds {SAMPLES}"


def wav_seconds(content: bytes) -> float | None:
    """Seconds of the sound in the bytes of a RIFF file, whatever its sizes say; None where that is unclear."""
    place, form = 12, None
    while place + 8 <= len(content):
        name, size = content[place : place + 4], struct.unpack("<I", content[place + 4 : place + 8])[0]
        if name == b"fmt ":
            form = struct.unpack("<HHIIHH", content[place + 8 : place + 24])
        if name == b"data" and form is not None:
            _, channels, rate, _, block, bits = form
            width = block or channels * bits // 8
            return (len(content) - place - 8) // width / rate if width and rate else None
        place += 8 + size + size % 2
    return None


def damaged_sounds(draw: random.Random, each: int) -> list[Damaged]:
    """`each` damaged files of every format, and files of other kinds under its name."""
    found = []
    for kind in sound_kinds():
        forms = damages(kind.content, draw, kind.edges)
        found += [Damaged(kind, name, content) for name, content in impostors()]
        found += [Damaged(kind, *next(forms)) for _ in range(each)]
    return found


def samples(path: Path) -> NDArray[np.int16]:
    """A shard of a store."""
    return np.load(path, mmap_mode="r")
