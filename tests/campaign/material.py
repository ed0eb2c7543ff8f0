"""Good input of every kind, small, with known content: what the campaign then damages, misnames and leaves out."""

import csv
import io
import json
import shlex
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.campaign.child import Commands, Outcome

RATE = 16_000
SAMPLES = 4_000
CLASSES = ("bark", "meow")
SPLITS = ("train",) * 8 + ("valid",) * 2 + ("test",) * 4
AUDIO_RUN = shlex.split(
    "--d 64 --steps 2 --batch_size 4 --unit_seconds 0.2 --hidden_size 16 --projection_size 8 --log_every 1 "
    "--checkpoint_every 1 --accelerator cpu --precision 32"
)
POINT_RUN = shlex.split(
    "--d 16 --steps 2 --batch_size 4 --points 32 --hidden_size 16 --projection_size 8 --log_every 1 "
    "--checkpoint_every 1 --accelerator cpu --precision 32"
)


# Labels and names that would steer a terminal, a spreadsheet or a browser.
HOSTILE = (
    "dog\x1b]0;owned\x07",
    "<img src=x onerror=alert(1)>",
    "=1+1",
    "a|b `c` [d](e)",
    "cat\u202e\u2066",
    "two\nlines",
)


@dataclass(frozen=True)
class Material:
    """Where the good input lies: below `path`, by these names."""

    path: Path

    def __getattr__(self, name: str) -> str:
        return str(self.path / name)


def tone(seed: int) -> NDArray[np.float32]:
    """(SAMPLES,) a noisy tone within ±0.5."""
    draw = np.random.default_rng(seed)
    times = np.arange(SAMPLES) / RATE
    return (0.4 * np.sin(2 * np.pi * (200 + 90 * seed) * times) + 0.05 * draw.uniform(-1, 1, SAMPLES)).astype("<f4")


def cloud(seed: int, count: int = 96) -> NDArray[np.float32]:
    """(count, 3) points with three decimals, of two kinds."""
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(count, 3)) * [1, 1, 1 + 3 * (seed % 2)]).round(3).astype("<f4")


def wav(samples: NDArray[np.float32], rate: int = RATE) -> bytes:
    """16-bit mono with a header of 44 bytes."""
    data = (samples * 32767).round().astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data"
        + struct.pack("<I", len(data)) + data
    )  # fmt: skip


def encoded(form: str, subtype: str | None = None, seed: int = 3) -> bytes:
    """A tone in any format of libsndfile."""
    target = io.BytesIO()
    soundfile.write(target, tone(seed), RATE, format=form, subtype=subtype)
    return target.getvalue()


def build(path: Path, commands: Commands) -> Material:
    """Make everything below `path`."""
    path.mkdir(parents=True, exist_ok=True)
    _tables(path)
    _trees(path)
    say = [
        ("prepare", f"labelled --csv {path}/sounds.csv --root {path}/sounds --out {path}/sound_store"),
        ("prepare", f"labelled --csv {path}/hostile.csv --root {path}/sounds --out {path}/<b>a|b"),
        ("prepare", f"clouds --csv {path}/clouds.csv --root {path}/clouds --out {path}/point_store --points 64"),
        ("pretrain_audio", f"--data {path}/sound_store --out {path}/sound_run {' '.join(AUDIO_RUN)}"),
        ("pretrain_pointcloud", f"--data {path}/point_store --out {path}/point_run {' '.join(POINT_RUN)}"),
        ("probe_audio", f"--checkpoint {path}/sound_run --task {path}/sound_store --out {path}/results_a/ --seeds 1"),
        (
            "probe_audio",
            f"--checkpoint untrained:AudioNTT2020:64 --task {path}/sound_store --out {path}/results_b/ --seeds 1",
        ),
    ]
    say.append(("compare", f"--runs {path}/results_a {path}/results_b"))
    for script, words in say:
        outcome = commands.run(
            script, words.split(), path / f"log_{script}", environment={"RANDQUANT_CACHE": f"{path}/c"}
        )
        _require(outcome, words)
    return Material(path)


def _require(outcome: Outcome, words: str) -> None:
    if outcome.code != 0:
        raise AssertionError(f"the good input is not taken: {words}\n{outcome.out}\n{outcome.err}")


def _tables(path: Path) -> None:
    for name, suffix in (("sounds", "wav"), ("clouds", "npy")):
        rows = ["path,label,group,split"]
        rows += [f"{place:02}.{suffix},{CLASSES[place % 2]},g{place},{split}" for place, split in enumerate(SPLITS)]
        (path / f"{name}.csv").write_text("\n".join(rows) + "\n")
    with open(path / "hostile.csv", "w", newline="", encoding="utf-8") as file:
        written = csv.writer(file)
        written.writerow(["path", "label", "group", "split"])
        written.writerows(
            [f"{place:02}.wav", HOSTILE[1 + 2 * (place % 2)], f"g{place}", split] for place, split in enumerate(SPLITS)
        )
    (path / "tables").mkdir()
    (path / "tables" / "sounds.csv").write_text((path / "sounds.csv").read_text())
    (path / "tables" / "recipe.yaml").write_text("seed: 3\nhidden_size: 16\nrq_bins: [8, 32]\nmethod: byol\n")
    (path / "words.txt").write_text("no table\n")


def _trees(path: Path) -> None:
    for name in ("sounds", "clouds", "meshes", "tiny", "nothing"):
        (path / name).mkdir(exist_ok=True)
    for place in range(len(SPLITS)):
        (path / "sounds" / f"{place:02}.wav").write_bytes(wav(tone(place)))
        np.save(path / "clouds" / f"{place:02}.npy", cloud(place))
    for place in range(2):
        (path / "meshes" / f"{place}.off").write_text(box_off(1 + place))
    (path / "tiny" / "a.wav").write_bytes(wav(tone(1)))
    (path / "notes.json").write_text(json.dumps({"a": 1}))


CORNERS = [(x, y, z) for x in (0.0, 1.0) for y in (0.0, 2.0) for z in (0.0, 3.0)]
FACES = [
    (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
    (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
]  # fmt: skip
AREA = 22.0  # of the box 1 x 2 x 3


def box_off(scale: float = 1) -> str:
    """The box as OFF."""
    lines = ["OFF", "8 12 0", *(" ".join(str(scale * each) for each in corner) for corner in CORNERS)]
    return "\n".join([*lines, *(f"3 {a} {b} {c}" for a, b, c in FACES)]) + "\n"
