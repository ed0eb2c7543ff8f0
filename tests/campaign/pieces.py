"""Damaged pieces of what the project itself writes, and of tables and recipes: stores, runs, results."""

import csv
import io
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq

from tests.campaign.child import Outcome
from tests.campaign.damage import damages, impostors
from tests.campaign.input import Check, Input, controls_in
from tests.campaign.material import AUDIO_RUN, HOSTILE, POINT_RUN, SPLITS, Material


def piece_inputs(material: Material, draw: random.Random, each: int) -> Iterator[Input]:
    """`each` damages of every piece, and files of other kinds in its place."""
    for name, (source, piece, script, words, check) in _pieces(material).items():
        content = (Path(source) / piece).read_bytes()
        forms = [*impostors(), ("absent", None), *islice(damages(content, draw), each)]
        for kind, changed in forms:
            make = partial(_copied, source=Path(source), piece=piece, content=changed)
            yield Input(f"{name}: {kind}", f"piece {name}", script, words, refused=False, make=make, check=check)
    yield from _hostile(material)


def _pieces(material: Material) -> dict[str, tuple[str, str, str, list[str], Check | None]]:
    """By name: the folder, the file in it, and the command that reads it at {folder}/path."""
    here, out = "{folder}/path", "{folder}/out"
    points = material.point_store
    preview = ["--store", here, "--out", f"{out}.svg", "--points", "8", "--shapes", "1"]
    probing = ["--checkpoint", "untrained:AudioNTT2020:64", "--task", here, "--out", f"{out}.json", "--seeds", "1"]
    embed = ["--checkpoint", here, "--input", material.tiny, "--out", f"{out}.parquet"]
    again = ["--data", points, "--out", here, *POINT_RUN]
    compare = ["--runs", material.results_a, here]
    labelled = ["labelled", "--csv", f"{here}/sounds.csv", "--root", material.sounds, "--out", out]
    return {
        "store.json": (points, "store.json", "preview_points", preview, None),
        "manifest.parquet": (points, "manifest.parquet", "preview_points", preview, None),
        "shard": (points, "shards/00000.npy", "preview_points", preview, None),
        "manifest of sounds": (material.sound_store, "manifest.parquet", "probe_audio", probing, None),
        "encoder.safetensors": (material.sound_run, "encoder.safetensors", "embed", embed, None),
        "checkpoint.pt": (material.point_run, "checkpoint.pt", "pretrain_pointcloud", again, None),
        "log.csv": (material.point_run, "log.csv", "pretrain_pointcloud", again, None),
        "results.json": (material.results_b, "results.json", "compare", compare, None),
        "predictions.parquet": (
            material.results_b,
            "predictions.parquet",
            "compare",
            compare,
            partial(_as_good, good=material.path / "log_compare" / "stdout"),
        ),
        "CSV of labels": (material.tables, "sounds.csv", "prepare", labelled, _labels_stored),
        "recipe": (
            material.tables,
            "recipe.yaml",
            "pretrain_audio",
            ["--config", f"{here}/recipe.yaml", "--data", material.sound_store, "--out", out, *AUDIO_RUN],
            None,
        ),
    }


def _copied(path: Path, *, source: Path, piece: str, content: bytes | None) -> None:
    """The folder again, in which one file is another; the same blocks on the disk otherwise."""
    shutil.copytree(source, path, copy_function=_linked)
    (path / piece).unlink()
    if piece == "log.csv":  # only a run that goes on reads it
        (path / "encoder.safetensors").unlink()
    if content is not None:
        (path / piece).write_bytes(content)


def _linked(source: str, target: str) -> None:
    if source.endswith((".json", ".csv", ".yaml", ".pt", ".md")):
        shutil.copy2(source, target)  # these are written to
    else:
        os.link(source, target)


def _as_good(folder: Path, outcome: Outcome, *, good: Path) -> str | None:
    """Whether a comparison says what that of undamaged results says."""
    wanted = good.read_text().splitlines()[2:]
    return None if outcome.out.splitlines()[2:] == wanted else f"compares something else:\n{outcome.out}"


def _labels_stored(folder: Path, outcome: Outcome) -> str | None:
    """Whether the store holds what a plain reading of the table says."""
    manifest = pq.read_table(folder / "out" / "manifest.parquet").to_pylist()
    stored = {(row["path"], row["label"], row["group"], row["split"]) for row in manifest}
    text = (folder / "path" / "sounds.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), skipinitialspace=True))
    wanted = {(row["path"], row["label"], row["group"] or None, row["split"]) for row in rows}
    odd = sorted(map(str, stored ^ wanted))
    return None if not odd else f"stored and listed differ in {len(odd)} rows, as {odd[0]}"


def _hostile(material: Material) -> Iterator[Input]:
    """Labels and names that would steer a terminal, a spreadsheet or a browser."""
    words = ["labelled", "--csv", "{folder}/path/t.csv", "--root", "{folder}/path", "--out", "{folder}/out"]
    for place, label in enumerate(HOSTILE):
        make: Callable[[Path], object] = partial(_hostile_tree, label=label, material=material)
        yield Input(f"hostile label {place}", "hostile", "prepare", words, refused=False, make=make, check=_lines_whole)
        tree = ["folder", "--root", "{folder}/path", "--out", "{folder}/out"]
        yield Input(f"hostile name {place}", "hostile", "prepare", tree, refused=False, make=make, check=_lines_whole)

    probing = ["--checkpoint", "untrained:AudioNTT2020:64", "--task", f"{material.path}/<b>a|b", "--seeds", "1"]
    probing += ["--out", "{folder}/out/"]
    yield Input("hostile labels on a page", "hostile page", "probe_audio", probing, refused=False, check=_page_whole)


def _page_whole(folder: Path, outcome: Outcome) -> str | None:
    """Whether a page shows labels and names as text, in tables whose rows have as many cells as their heads."""
    page = (folder / "out" / "table.md").read_text()
    blocks = [line for line in page.splitlines() if re.search(r"(?<!\\)<(?:img|b)\b", line)]
    if controls_in(page) or blocks:
        return f"the page holds {blocks or controls_in(page)!r}"
    tables = page.split("\n\n")
    uneven = [
        table
        for table in tables
        if table.startswith("|") and len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) > 1
    ]
    return f"a name breaks a table: {uneven[0]}" if uneven else None


def _hostile_tree(path: Path, *, label: str, material: Material) -> None:
    path.mkdir()
    good = (Path(material.tiny) / "a.wav").read_bytes()
    name = label.replace("/", "")
    (path / f"{name}.wav").write_bytes(good)
    (path / f"broken {name}.wav").write_bytes(b"no sound")
    with open(path / "t.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "group", "split"])
        for split in SPLITS[:3]:
            (path / f"{split}.wav").write_bytes(good)
        rows.writerow([f"{name}.wav", label, label, "train"])
        rows.writerow([f"broken {name}.wav", label, label, "test"])


def _lines_whole(folder: Path, outcome: Outcome) -> str | None:
    """Whether no line on the screen begins in the middle of a name."""
    broken = [line for line in (outcome.out + outcome.err).splitlines() if line.startswith("lines")]
    return f"a name breaks its line: {broken}" if broken else None
