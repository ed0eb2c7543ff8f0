"""Registries that load late: their names load nothing, each line leads to what it says, and entries can be added."""

import os
from typing import Any

import pytest

from randquant.audio.encoders.registry import ENCODERS as AUDIO
from randquant.images.encoders.registry import ENCODERS as IMAGES
from randquant.late_registry import LateRegistry
from randquant.pointcloud.encoders.registry import ENCODERS as POINTS
from randquant.probes.registry import PROBES, REGRESSIONS
from randquant.scripts.benchmark import GROUPS
from randquant.ssl.registry import METHODS
from randquant.tables.encoders.registry import ENCODERS as TABLES

REGISTRIES: list[LateRegistry[Any]] = [AUDIO, POINTS, IMAGES, TABLES, METHODS, PROBES, REGRESSIONS, GROUPS]


def test_every_line_leads_somewhere() -> None:
    assert all(entry is not None for registry in REGISTRIES for entry in registry.values())


def test_names_are_those_of_the_classes() -> None:
    assert [encoder.name for encoder in IMAGES.values()] == list(IMAGES)
    for registry in (AUDIO, POINTS, TABLES):
        assert [encoder.__name__ for encoder in registry.values()] == list(registry)


def test_names_load_nothing() -> None:
    registry: LateRegistry[Any] = LateRegistry("no_such_package", {"a": "module:A", "b": "module:B"})
    assert (list(registry), len(registry), "a" in registry, "c" in registry) == (["a", "b"], 2, True, False)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        registry["a"]
    with pytest.raises(KeyError, match="c"):
        registry["c"]


def test_an_entry_can_be_added_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    registry: LateRegistry[Any] = LateRegistry("os", {"path": "path:join"})
    assert registry["path"] == os.path.join
    with monkeypatch.context() as patch:
        patch.setitem(registry, "own", len)
        patch.setitem(registry, "path", max)
        assert (registry["own"], registry["path"], list(registry)) == (len, max, ["path", "own"])
    assert (registry["path"], list(registry)) == (os.path.join, ["path"])
