"""Imports go one way: randquant <- the modalities <- data_prep <- scripts; and what is optional loads late."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.hidden_packages import run_with

ROOT = Path(__file__).resolve().parents[1]
CORE = "randquant"
# The folders beside it are imported through links: as randquant.audio, in a clone as from a wheel.
PLACES = {
    CORE: ROOT / "common" / "randquant",
    "randquant.audio": ROOT / "audio",
    "randquant.pointcloud": ROOT / "pointcloud",
    "randquant.images": ROOT / "common" / "images",
    "randquant.tables": ROOT / "common" / "tables",
    "randquant.data_prep": ROOT / "data_prep",
    "randquant.scripts": ROOT / "scripts",
}
MODALITIES = {"randquant.audio", "randquant.pointcloud", "randquant.images", "randquant.tables"}
# Beside itself, each folder imports:
ALLOWED = {
    CORE: set[str](),
    **{modality: {CORE} for modality in MODALITIES},
    "randquant.data_prep": {CORE} | MODALITIES,
    "randquant.scripts": {CORE, "randquant.data_prep"} | MODALITIES,
}
# Missing on some machines or slow to load: imported inside the function that needs them.
LATE = {
    *("torchaudio", "torch_scatter", "open3d", "trimesh", "h5py", "numba", "llvmlite", "librosa", "nnAudio"),
    *("mteb", "xares", "evar"),
    *("av", "laspy", "lazrs", "pye57", "mapbox_earcut"),
    *("timm", "kornia", "torchvision", "PIL", "mup", "umap"),
    *("onnx", "onnxscript", "onnxruntime", "huggingface_hub"),
    *("wandb", "mlflow", "trackio"),
}
# Written in what numba compiles, and so with numba at the top: no other module imports them when it is imported.
COMPILED = "randquant.kernels.compiled"
COMPILED_FOLDER = PLACES[CORE] / "kernels" / "compiled"

# Everything but torch, what torch needs, numpy and the standard library is hidden.
IMPORT_ALONE = """
import importlib, json, sys
import randquant, torch
print(tuple(randquant.RandomizedQuantization(bins=8, dim=-1)(torch.rand(2, 3, 50)).shape))
told = {}
for module in json.loads(sys.argv[1]):
    try:
        importlib.import_module(module)
    except ImportError as error:
        told[module] = f"{type(error).__name__}: {error}"
print(json.dumps(told))
"""
# Parts of randquant that work with torch and numpy alone, whatever else is missing.
LIGHT = ("augmentation", "compat", "draws", "errors", "files", "packed", "quantize", "quantizers", "ssl", "views")


@cache
def parsed(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text())


def absolute_imports(tree: ast.AST) -> Iterator[str]:
    """The packages that absolute imports below a node name: first names, and `PLACES` for what is ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (package(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (package(f"{node.module}.{alias.name}") for alias in node.names)


def package(module: str) -> str:
    """The part of a module's name that `PLACES` goes by."""
    first, *rest = module.split(".")
    inner = f"{first}.{rest[0]}" if rest else first
    return inner if inner in PLACES else first


def runs_on_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The statements an import of the module executes: not the bodies of functions, nor blocks for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or is_for_type_checkers(node):
            continue
        yield node
        yield from runs_on_import(node)


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


FILES = [(folder, path) for folder, place in PLACES.items() for path in sorted(place.rglob("*.py"))]


@pytest.mark.parametrize(("folder", "path"), FILES, ids=[str(path.relative_to(ROOT)) for _, path in FILES])
def test_imports_go_one_way(folder: str, path: Path) -> None:
    forbidden = set(PLACES) - ALLOWED[folder] - {folder}
    assert not forbidden & set(absolute_imports(parsed(path)))


@pytest.mark.parametrize("path", [path for _, path in FILES], ids=[str(path.relative_to(ROOT)) for _, path in FILES])
def test_optional_packages_load_late(path: Path) -> None:
    statements = runs_on_import(parsed(path))
    flat = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
    late = LATE - {"numba", "llvmlite"} if path.is_relative_to(COMPILED_FOLDER) else LATE
    assert not late & {name for node in flat for name in absolute_imports(node)}


def test_compiled_code_is_imported_late() -> None:
    users = {name for name in MODULES if any(f"{each}.".startswith(f"{COMPILED}.") for each in imported_modules(name))}
    assert {name for name in users if not f"{name}.".startswith(f"{COMPILED}.")} == set()
    assert users, "compiled code is made of several modules"


def test_the_rule_sees_what_it_should() -> None:
    source = "try:\n    import librosa\nexcept ImportError:\n    pass\ndef late():\n    from open3d import io\n"
    flat = [node for node in runs_on_import(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [name for node in flat for name in absolute_imports(node)] == ["librosa"]
    assert set(absolute_imports(ast.parse(source))) == {"librosa", "open3d"}


@cache
def imported_alone() -> tuple[str, dict[str, str]]:
    """What RQ prints with torch and numpy alone, and what the modules say that need more: name -> error."""
    names = json.dumps([name for name in MODULES if package(name) == CORE])
    shape, told = run_with(("torch", "numpy"), IMPORT_ALONE, names).splitlines()
    return shape, json.loads(told)


def test_randquant_imports_with_torch_and_numpy_alone() -> None:
    shape, told = imported_alone()
    assert shape == "(2, 3, 50)"
    assert not [module for module in told if module.split(".")[1] in LIGHT]


def test_a_module_that_needs_more_names_the_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for module, error in imported_alone()[1].items():
        sentence = r"ImportError: \w+ is not installed; type: pip install 'randquant\[(\w+)\]'"
        extra = re.fullmatch(sentence, error)
        assert extra, f"{module}: {error}"
        assert extra[1] in extras


def module_name(folder: str, path: Path) -> str:
    """As in an import statement."""
    parts = path.relative_to(PLACES[folder]).with_suffix("").parts
    return ".".join((folder, *parts)).removesuffix(".__init__")


MODULES = {module_name(folder, path): path for folder, path in FILES}


@cache
def imported_modules(name: str) -> set[str]:
    """Our own modules that an import of one executes."""
    found = set[str]()
    for node in runs_on_import(parsed(MODULES[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found & set(MODULES) - {name}


def test_no_module_imports_itself_by_a_detour() -> None:
    TopologicalSorter({name: imported_modules(name) for name in MODULES}).prepare()  # CycleError names the detour


def test_the_wings_of_randquant_depend_on_each_other_one_way() -> None:
    wings: dict[str, set[str]] = {}
    for name in MODULES:
        if package(name) == CORE != name:
            needed = {other.split(".")[1] for other in imported_modules(name) if package(other) == CORE != other}
            wings.setdefault(name.split(".")[1], set()).update(needed)
    TopologicalSorter({wing: needed - {wing} for wing, needed in wings.items()}).prepare()
