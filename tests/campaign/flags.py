"""Every flag of every command with values that nobody should give it."""

import inspect
import os
import socket
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.campaign.input import Input
from tests.campaign.material import AUDIO_RUN, POINT_RUN, Material
from tests.campaign.server import SCRIPTS, commands

# Work that a large number asks for honestly: it takes forever and is not wrong.
_COUNTS = {"steps", "epochs", "seeds", "finetune_epochs", "votes", "runs", "warmup_steps", "notes_per_instrument"} | {
    *("instruments", "train", "test", "threads", "workers", "devices", "nodes")
}
_SPAWNING = {"devices", "nodes", "workers"}
_SLOW = {"demo", "benchmark"}  # minutes, where nothing is wrong with what was typed
_INTEGERS = {
    "word": ("two", True),
    "part": ("1.5", True),
    "nan": ("nan", True),
    "inf": ("inf", True),
    "beyond 64 bits": ("9" * 20, True),
    "overflow": ("1e400", True),
    "zero": ("0", False),
    "negative": ("-1", False),
    "absurd": ("99999999999", False),
    "most negative": (str(-(2**63)), True),
    "list": ("[1,2]", True),
    "emoji": ("\U0001f9ea", True),
}
_FLOATS = {
    "word": ("two", True),
    "nan": ("nan", True),
    "inf": ("inf", True),
    "minus inf": ("-inf", True),
    "yaml nan": (".nan", True),
    "overflow": ("1e400", True),
    "zero": ("0", False),
    "negative": ("-1", False),
    "absurd": ("1e300", False),
    "tiny": ("1e-320", False),
}
_WORDS = {"other": ("xyzzy", False), "unicode": ("数据 \u00f1", False), "controls": ("a\x1b[2J\n\u202eb", False)}


def flag_inputs(material: Material) -> Iterator[Input]:
    """All of them, in order: by command, flag and kind of mistake."""
    for script in SCRIPTS:
        found = commands(script)
        for name, function in found.items() if isinstance(found, Mapping) else [("", found)]:
            base = _base(script, name, material)
            for flag, hint, _ in parameters(function):
                yield from _of_flag(script, name, base, flag, hint)
            yield _input(script, name, "", "unknown flag", [*base, "--xyzzy", "1"], refused=True)
            yield _input(
                script, name, "", "stray word", [*base[:1], *base[1:], "xy\x1b[2Jzzy"], refused=script != "compare"
            )
    for script in ("prepare", "doctor"):
        for kind, words in {"no command": [], "other command": ["flder"], "help misspelt": ["--hlep"]}.items():
            yield _input(script, "", "", kind, words, refused=True)


def parameters(function: Callable[..., Any]) -> Iterator[tuple[str, Any, Any]]:
    """Name, type and default of each flag."""
    source: Any = function
    hints = typing.get_type_hints(function)
    first = next(iter(hints.values())) if hints else None
    if is_dataclass(first):
        source = first
        hints = typing.get_type_hints(source.__init__)
    for name, parameter in inspect.signature(source).parameters.items():
        yield name, hints[name], MISSING if parameter.default is inspect.Parameter.empty else parameter.default


def _of_flag(script: str, name: str, base: list[str], flag: str, hint: Any) -> Iterator[Input]:
    slow = script in _SLOW
    if hint is bool:
        yield _input(script, name, flag, "no boolean", [*base, f"--{flag}=maybe"], refused=True)
        return
    yield _input(script, name, flag, "no value", [*_without(base, flag), f"--{flag}"], refused=True)
    yield _input(script, name, flag, "misspelt", [*_without(base, flag), f"--{flag[:-1]}", "1"], refused=True)
    yield _input(script, name, flag, "empty", [*_without(base, flag), f"--{flag}", ""], refused=True)
    yield _input(script, name, flag, "empty after =", [*_without(base, flag), f"--{flag}="], refused=True)
    for kind, (value, refused) in _values(flag, hint).items():
        if not refused and (slow or (flag in _COUNTS and kind in ("absurd", "tiny")) or (flag in _SPAWNING)):
            continue
        copies = len(typing.get_args(hint)) if typing.get_origin(hint) is tuple else 1
        yield _input(script, name, flag, kind, [*_without(base, flag), f"--{flag}", *[value] * copies], refused=refused)
    if _takes_paths(hint) and not slow:
        for kind, (make, refused) in _PATHS.items():
            words = [*_without(base, flag), f"--{flag}", "{folder}/path"]
            words = [*words[:-1], "{folder}/" + kind] if make is None else words
            yield _input(script, name, flag, f"path: {kind}", words, refused=refused, make=make)


def _values(flag: str, hint: Any) -> dict[str, tuple[str, bool]]:
    kinds = {hint, *typing.get_args(hint)}
    kinds |= {inner for each in kinds for inner in typing.get_args(each)}
    if typing.get_origin(hint) is typing.Literal or any(typing.get_origin(each) is typing.Literal for each in kinds):
        return {"other": ("xyzzy", True), "unicode": ("\u00f1", True), "controls": ("\x1b[2J", True)}
    if float in kinds:
        return _FLOATS
    if int in kinds:
        return _INTEGERS
    return {**_WORDS, "no UTF-8": ("a\udcff", True)}


def _takes_paths(hint: Any) -> bool:
    kinds = {hint, *typing.get_args(hint)}
    return Path in kinds or str in kinds or any(Path in typing.get_args(each) for each in kinds)


def _device(device: str, path: Path) -> None:
    path.symlink_to(device)


def _loop(path: Path) -> None:
    path.symlink_to(path.with_name("back"))
    path.with_name("back").symlink_to(path)


def _socket(path: Path) -> None:
    here = os.getcwd()
    with suppress(OSError), socket.socket(socket.AF_UNIX) as made:
        os.chdir(path.parent)  # the name of a socket has at most a hundred bytes
        made.bind(path.name)
    os.chdir(here)


# What lies at the path, and whether every flag has to refuse it.
_PATHS: dict[str, tuple[Callable[[Path], object] | None, bool]] = {
    "absent": (None, False),
    "folder": (Path.mkdir, False),
    "file": (partial(Path.write_text, data="what is this\n"), False),
    "empty file": (Path.touch, False),
    "null device": (partial(_device, "/dev/null"), True),
    "endless device": (partial(_device, "/dev/zero"), True),
    "full device": (partial(_device, "/dev/full"), True),
    "fifo": (os.mkfifo, True),
    "socket": (_socket, True),
    "dangling link": (lambda path: path.symlink_to("nowhere/at/all"), False),
    "loop": (_loop, True),
    "n" * 300: (None, True),
    "d/" * 2100: (None, True),
}


def _without(words: list[str], flag: str) -> list[str]:
    """The words without a flag and its values."""
    kept, skipping = [], False
    for word in words:
        if word.startswith("--"):
            skipping = word == f"--{flag}"
        if not skipping:
            kept.append(word)
    return kept


def _input(
    script: str,
    name: str,
    flag: str,
    kind: str,
    words: list[str],
    *,
    refused: bool,
    make: Callable[[Path], object] | None = None,
) -> Input:
    shown = kind if len(kind) < 40 else f"{kind[:8]}… of {len(kind)}"
    title = f"{script} {name} --{flag}: {shown}" if flag else f"{script} {name}: {shown}"
    argv = [name, *words] if name else words
    return Input(" ".join(title.split()), f"{script} {name} {flag}", script, argv, refused=refused, make=make)


def _base(script: str, name: str, material: Material) -> list[str]:
    """A command line that is taken, and fast."""
    out = "{folder}/out"
    if script == "prepare":
        known = {
            "folder": ["--root", material.tiny, "--out", out],
            "labelled": ["--csv", f"{material.path}/sounds.csv", "--root", material.sounds, "--out", out],
            "meshes": ["--root", material.meshes, "--out", out, "--points", "32"],
            "clouds": ["--root", material.clouds, "--out", out, "--points", "32"],
        }
        if name.startswith("synthetic"):
            return ["--out", out]
        return known.get(name, ["--root", material.nothing, "--out", out])
    if script == "doctor":
        return ["--store", material.point_store] if name == "repeats" else ["--root", material.nothing]
    return {
        "embed": ["--checkpoint", material.sound_run, "--input", material.tiny, "--out", f"{out}.parquet"],
        "probe_audio": [
            *("--checkpoint", material.sound_run, "--task", material.sound_store, "--out", f"{out}.json"),
            *("--seeds", "1", "--cache", f"{material.path}/c"),
        ],
        "evaluate_modelnet": [
            *("--checkpoint", material.point_run, "--store", material.point_store, "--out", f"{out}.json"),
            *("--probes", "knn", "--points", "32", "--cache", f"{material.path}/c"),
        ],
        "compare": ["--runs", material.results_a, material.results_b],
        "preview_points": ["--store", material.point_store, "--out", f"{out}.svg", "--points", "8", "--shapes", "1"],
        "pretrain_audio": ["--data", material.sound_store, "--out", out, *AUDIO_RUN],
        "pretrain_pointcloud": ["--data", material.point_store, "--out", out, *POINT_RUN],
    }.get(script, [])
