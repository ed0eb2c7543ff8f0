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

ROOT = Path(__file__).parents[1]
FOLDERS = ("common/randquant", "audio", "pointcloud", "data_prep", "scripts")
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
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tests").mkdir()
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def follow(recipe: str, tree: Path) -> str:
    """Do what a recipe says and run its commands; what they print."""
    section = PAGE.partition(f"\n## {recipe}\n")[2].partition("\n## ")[0]
    commands, touched = "", []
    for block in BLOCK.finditer(section):
        names, text = re.findall(r"`([^`]+)`", block["where"]), block["text"]
        if block["language"] == "bash":
            commands += text
            continue
        touched.append(names[0])
        path = tree / names[0]
        if block["where"].startswith("New file "):
            assert not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        else:
            add_line(path, names[1], text)
    assert len(touched) == len(set(touched)) == 3
    return run(commands, tree)


def add_line(path: Path, above: str, line: str) -> None:
    """Put a line below the only one that reads `above`."""
    assert line.count("\n") == 1
    lines = path.read_text().splitlines(keepends=True)
    (place,) = [place for place, text in enumerate(lines, start=1) if text.strip() == above]
    path.write_text("".join([*lines[:place], line, *lines[place:]]))


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
