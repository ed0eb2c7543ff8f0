"""pyproject.toml, constraints.txt, environment.yml and README.md agree; only randquant is installed."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import randquant

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Kits and loggers of others: their pins are theirs, so that they stand in no environment of ours.
APART = ("xares", "mteb", "wandb", "mlflow", "trackio")
SHIPPED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
EXTRAS = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name not in ("all", *APART)}
DECLARED = [Requirement(line) for lines in (PROJECT["dependencies"], *EXTRAS.values()) for line in lines]
NAMES = {canonicalize_name(requirement.name) for requirement in DECLARED}
TRIPLE = {"torch": "2.11.0", "torchaudio": "2.11.0", "torchvision": "0.26.0"}
FOLDERS = ("common", "audio", "pointcloud", "data_prep", "scripts")

# conda-forge's names that are not the package index's.
CONDA_TO_INDEX = {
    "pytorch": "torch",
    "pytorch-scatter": "torch-scatter",
    "pysoundfile": "soundfile",
    "soxr-python": "soxr",
}
# Packages that a declared one stands on by its own promise, and whose names code has to say.
BROUGHT_ALONG = {
    "torch_scatter",  # make scatter
    "triton",  # torch, where it runs on a GPU
    "llvmlite",  # numba: the instructions it compiles to
    "evar",  # the user's own copy
    *APART,
    "fpsample",  # what farthest points are timed against, where it is installed
    "pillow_heif",  # HEIC pictures, for whoever has them and installs it
    "distributed",  # dask[distributed]
    "urllib3",  # requests: the exceptions it lets through
}
# What environment.yml names without being a declared dependency.
CONDA_ALONE = {
    "python",
    "pip",
    "torch-scatter",  # source only on the index, so no extra can name it: make scatter
}


def read_pins() -> dict[str, Version]:
    """constraints.txt as canonical name -> version."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def read_environment() -> tuple[dict[str, str | None], list[Requirement]]:
    """environment.yml as {index name: version prefix or None} from conda, and the requirements left to pip."""
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda: dict[str, str | None] = {}
    for entry in (entry for entry in entries if isinstance(entry, str)):
        name, _, version = entry.partition("=")
        conda[CONDA_TO_INDEX.get(canonicalize_name(name), canonicalize_name(name))] = version or None
    (left,) = [entry["pip"] for entry in entries if isinstance(entry, dict)]
    return conda, [Requirement(line) for line in left]


PINS = read_pins()
CONDA, LEFT_TO_PIP = read_environment()


def test_core_needs_torch_and_numpy_alone() -> None:
    assert {Requirement(line).name for line in PROJECT["dependencies"]} == {"torch", "numpy"}


def test_all_is_the_union_of_the_extras() -> None:
    (everything,) = [Requirement(line) for line in PROJECT["optional-dependencies"]["all"]]
    assert everything.name == PROJECT["name"]
    assert everything.extras == set(EXTRAS)


@pytest.mark.parametrize("requirement", DECLARED, ids=lambda requirement: requirement.name)
def test_every_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    assert requirement.specifier, "give a lower bound"
    assert PINS[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_pins_reach_every_package_that_comes_along() -> None:
    waiting: list[str] = [*NAMES]
    seen = set[str]()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in seen:
            seen.add(name)
            waiting += requirements_here(name)
    assert not seen - set(PINS), "run make constraints"


def requirements_here(name: str) -> list[str]:
    """What an installed package needs on this machine, optional parts left out; nothing where it is not installed."""
    try:
        requirements = [Requirement(line) for line in importlib.metadata.requires(name) or []]
    except importlib.metadata.PackageNotFoundError:
        return []
    return [line.name for line in requirements if line.marker is None or line.marker.evaluate({"extra": ""})]


def test_the_torch_triple_matches() -> None:
    assert {name: str(PINS[name]) for name in TRIPLE} == TRIPLE
    assert "torch-scatter" in PINS


def test_the_constraints_name_nothing_twice_and_no_place() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(PINS) == len(lines)
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)


def test_conda_installs_the_same_packages() -> None:
    by_pip = {canonicalize_name(requirement.name) for requirement in LEFT_TO_PIP}
    assert not by_pip & set(CONDA)
    assert (by_pip | set(CONDA)) - CONDA_ALONE == NAMES


def test_conda_installs_the_same_versions() -> None:
    for name, prefix in CONDA.items():
        if prefix is not None and name != "python":
            assert f"{PINS[name]}.".startswith(f"{prefix}."), name
    for requirement in LEFT_TO_PIP:
        assert str(requirement.specifier) == f"=={PINS[canonicalize_name(requirement.name)]}"
    assert Version(CONDA["python"] or "0") in Requirement(f"python{PROJECT['requires-python']}").specifier


def test_conda_keeps_the_extras_of_a_package() -> None:
    declared = {canonicalize_name(requirement.name): requirement.extras for requirement in DECLARED}
    for requirement in LEFT_TO_PIP:
        assert requirement.extras == declared[canonicalize_name(requirement.name)]


def test_conda_takes_one_channel() -> None:
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["channels"] == ["conda-forge"]


@pytest.mark.parametrize("name", sorted({requirement.name for requirement in DECLARED} | {"torch-scatter"}))
def test_the_readme_gives_every_dependency(name: str) -> None:
    readme = (ROOT / "README.md").read_text()
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", readme, re.IGNORECASE)


def imported_packages(path: Path) -> set[str]:
    """First names of all absolute imports in a file, wherever they stand."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.partition(".")[0] for name in names}


def test_every_import_is_declared() -> None:
    used = {name for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") for name in imported_packages(path)}
    ours = {"randquant", *FOLDERS}
    origin = importlib.metadata.packages_distributions()
    undeclared = {
        name
        for name in used - ours - sys.stdlib_module_names - BROUGHT_ALONG
        if not NAMES & {canonicalize_name(distribution) for distribution in origin.get(name, [name])}
    }
    assert not undeclared


class Built(NamedTuple):
    """An sdist and the wheel that was built from it, in empty folders."""

    source: Path
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    ignored = shutil.ignore_patterns("*.egg-info", "__pycache__")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=ignored, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "MANIFEST.in"):
        shutil.copy(ROOT / name, source / name)
    (source / "tests").mkdir()
    (source / "tests" / "test_a.py").touch()
    build = "from setuptools import build_meta; build_meta.build_sdist('..')"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "."]
    (unpacked,) = (folder / "unpacked").iterdir()
    subprocess.run([*command, "--wheel-dir", str(folder)], cwd=unpacked, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return Built(source, sdist, wheel)


def test_sdist_and_wheel_hold_the_package_alone(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        held = archive.getmembers()
    assert all(each.isfile() or each.isdir() for each in held)  # the links between folders are resolved
    assert not [each.name for each in held if "test" in Path(each.name).parts[-1].split("_")[0]]
    names = set(zipfile.ZipFile(built.wheel).namelist())
    about = f"randquant-{randquant.__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"randquant", about}
    assert f"{about}/licenses/LICENSE" in names
    package = built.source / "common" / "randquant"
    wanted = [each for pattern in ("*.py", *SHIPPED) for each in files_below(package, pattern)]
    assert {name for name in names if name.startswith("randquant/")} == {f"randquant/{each}" for each in wanted}
    assert "randquant/audio/recipes/demo.yaml" in names


USER = """
import torch
from torch import Tensor, nn

import randquant
from randquant.audio.ready_encoder import AudioReadyEncoder

encoder = randquant.load("untrained:AudioNTT2020:512")
reveal_type(encoder(torch.zeros(16_000), sample_rate=16_000))
reveal_type(encoder.frames("recording.wav").times)
reveal_type(AudioReadyEncoder.from_pretrained("somebody/tones").sample_rate)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.augment = randquant.RandomizedQuantization(bins=8, dim=(-2, -1))

    def forward(self, x: Tensor) -> Tensor:
        return self.augment(x)


randquant.load(3)
"""


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_users_program_is_type_checked_against_the_wheel(built: Built, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    (packages,) = environment.glob("lib/*/site-packages")
    zipfile.ZipFile(built.wheel).extractall(packages)
    others = next(path for path in map(Path, sys.path) if (path / "torch").is_dir())
    (packages / "others.pth").write_text(f"{others}\n")  # torch and numpy
    (tmp_path / "user.py").write_text(USER)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--python-executable={python}", "user.py"]
    plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    checked = subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, text=True)
    said = [line.partition(": ")[2] for line in checked.stdout.splitlines()]
    revealed = 'note: Revealed type is "torch._tensor.Tensor"'
    assert said[:2] == [revealed, revealed], checked.stdout + checked.stderr
    assert said[2] in ('note: Revealed type is "int"', 'note: Revealed type is "builtins.int"')
    assert "has incompatible type" in said[3]  # the number, and nothing else
    assert len(said) == 5
    assert "Found 1 error" in checked.stdout


def files_below(folder: Path, pattern: str) -> list[str]:
    """Paths of files, through links, which `rglob` does not follow."""
    found = [each.relative_to(folder).as_posix() for each in folder.rglob(pattern)]
    linked = [each for each in folder.iterdir() if each.is_symlink()]
    return found + [f"{link.name}/{inner}" for link in linked for inner in files_below(link.resolve(), pattern)]


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert str(citation["version"]) == randquant.__version__
    bibtex = (ROOT / "README.md").read_text()
    for paper in citation["references"]:
        assert {"type", "title", "authors", "year"} <= set(paper)
        assert f"{{{paper['title']}}}" in bibtex


def test_the_workflow_runs_what_a_person_types() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]
    assert "make test" in [step.get("run") for job in jobs.values() for step in job["steps"]]


def test_the_hooks_check_what_make_lint_checks() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    entries = " ".join(hook["entry"] for hook in local["hooks"])
    assert all(f"-m {tool}" in entries for tool in ("ruff check", "ruff format", "mypy"))
    packages = re.search(r"^PACKAGES := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert packages
    assert all(f"-p {package}" in entries for package in packages[1].split())


def test_the_changelog_tells_of_this_version() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:2] == ["Unreleased", randquant.__version__]
