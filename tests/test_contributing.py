"""CONTRIBUTING.md: each recipe is followed to the letter in a copy of the tree, and its commands are run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
FOLDERS = ("common", "audio", "pointcloud", "data_prep", "scripts")
EARLIER = ROOT / "tests" / "earlier" / "stores"
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
BLOCK = re.compile(r"^(?P<where>[^\n]*):\n\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

# Runs the commands of a page in one process, since every start would import torch again.
DRIVER = """
import runpy, sys
for line in sys.stdin.read().splitlines():
    python, dash_m, module, *arguments = line.split()
    assert (python, dash_m) == ("python", "-m"), line
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            sys.exit(f"{line}: exit code {end.code}")
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code, without its tests."""
    copy = tmp_path / "randquant"
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tests").mkdir()
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def follow(recipe: str, tree: Path) -> str:
    """Do what a recipe says, check the style of what was touched, and run its commands; what they print."""
    section = PAGE.partition(f"\n## {recipe}\n")[2].partition("\n## ")[0]
    commands, touched = "", set[str]()
    for block in BLOCK.finditer(section):
        names = re.findall(r"`([^`]+)`", block["where"])
        if block["language"] == "bash":
            commands += block["text"]
            continue
        touched.add(names[0])
        path = tree / names[0]
        if block["where"].startswith("New file "):
            assert not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"])
        else:
            insert(path, block["where"].split()[2], names[1], block["text"])
    assert len(touched) == 3
    assert "All checks passed" in run("python -m ruff check " + " ".join(touched), tree)
    return run(commands, tree)


def insert(path: Path, where: str, anchor: str, line: str) -> None:
    """Put a line above, below or instead of the only one that reads `anchor`."""
    lines = path.read_text().splitlines(keepends=True)
    (place,) = [place for place, text in enumerate(lines) if text.strip() == anchor]
    start, stop = {"above": (place, place), "below": (place + 1, place + 1), "instead": (place, place + 1)}[where]
    path.write_text("".join([*lines[:start], line, *lines[stop:]]))


def run(commands: str, tree: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=commands,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": f"{tree / 'common'}{os.pathsep}{tree}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_dataset(tree: Path) -> None:
    root = tree / "ESC-50-master"
    (root / "audio").mkdir(parents=True)
    (root / "meta").mkdir()
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for fold in range(1, 6):
        soundfile.write(root / "audio" / f"{fold}-100-A-0.wav", 0.1 * np.sin(np.arange(4000)), 16_000)
        rows.append(f"{fold}-100-A-0.wav,{fold},0,dog,True,100,A")
    (root / "meta" / "esc50.csv").write_text("\n".join(rows))
    printed = follow("A dataset", tree)
    assert "Prepare ESC-50, in its five folds." in printed
    assert "5 of 2,000 published recordings, 1 of 50 classes; splits: the five folds of esc50.csv" in printed


def test_an_encoder(tree: Path) -> None:
    shutil.copytree(EARLIER / "modelnet", tree / "STORE")
    assert "DeepSets" in follow("An encoder", tree)


def test_an_augmentation(tree: Path) -> None:
    shutil.copytree(EARLIER / "modelnet", tree / "STORE")
    assert "encoder: RUN/encoder.safetensors" in follow("An augmentation", tree)


def test_a_probe(tree: Path) -> None:
    shutil.copytree(EARLIER / "tones", tree / "TASK")
    assert "by the nearest class mean" in follow("A probe", tree)
