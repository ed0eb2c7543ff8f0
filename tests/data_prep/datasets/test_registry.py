"""Whatever the registry names can be typed: with flags that are explained."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_type_hints

import docstring_parser
import pytest

from randquant.cli.late_commands import LateCommands
from randquant.data_prep.datasets.registry import DATASETS, PICTURES, SHAPES, SOUNDS, TABLES
from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.exchange.registry import EXCHANGE
from randquant.data_prep.options import options, with_options
from randquant.data_prep.own_files.clouds import plan_clouds
from randquant.data_prep.own_files.meshes import plan_meshes
from randquant.data_prep.synthetic.registry import MINIATURES, prepared_by
from randquant.scripts import doctor, prepare


@pytest.mark.parametrize("plan", [*(each.plan for each in DATASETS.values()), plan_clouds, plan_meshes])
def test_every_flag_is_explained(plan: Callable[..., Plan]) -> None:
    first, *flags = inspect.signature(plan).parameters.values()
    explained = [entry.arg_name for entry in docstring_parser.parse(plan.__doc__ or "").params]
    assert first.name == "root"
    assert [name for name in explained if name != "root"] == [flag.name for flag in flags], "each once, in order"
    assert all(flag.default is not inspect.Parameter.empty for flag in flags)


def test_every_dataset_has_its_own_name() -> None:
    assert all(dataset.name == name for name, dataset in {**DATASETS, **EXCHANGE}.items())
    assert not set(DATASETS) & {"folder", "labelled", "meshes", "clouds", "store", "repeats"}


def test_datasets_are_listed_by_their_kind() -> None:
    for kind, listed in {"audio": SOUNDS, "points": SHAPES, "images": PICTURES, "tables": TABLES}.items():
        assert {DATASETS[name].kind for name in listed} == {kind}


@pytest.mark.parametrize("commands", [prepare.COMMANDS, doctor.COMMANDS])
def test_a_command_is_listed_as_its_page_begins(commands: LateCommands) -> None:
    for name, line in commands.lines.items():
        page = docstring_parser.parse(commands[name].__doc__ or "").short_description
        assert page == line or (name.startswith("synthetic-") and line.endswith(f"with {name[10:]}."))


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_is_a_command(name: str) -> None:
    for commands in (prepare.COMMANDS, doctor.COMMANDS):
        settings = get_type_hints(commands[name])["settings"]
        flags = {"root"} if DATASETS[name].kind == "tables" else {"root", "out", "workers"}
        assert flags <= {field.name for field in fields(settings)}
    assert DATASETS[name].marks
    assert DATASETS[name].downloads or DATASETS[name].by_hand


def test_every_miniature_is_a_command() -> None:
    assert {name for miniature in MINIATURES for name in prepared_by(miniature)} <= {*DATASETS, *EXCHANGE}
    assert {f"synthetic-{name}" for name in MINIATURES} <= set(prepare.COMMANDS)


def test_options_are_the_plans_own() -> None:
    @dataclass(frozen=True)
    class Settings:
        root: Path
        strict: bool = False

    def plan(root: Path, *, share: float = 0.1, parts: tuple[str, ...] = ("a",)) -> Plan:
        """A plan.

        Args:
            root: a folder.
            share: of all,
                at least 0.
        """
        raise NotImplementedError

    made = with_options(Settings, plan, without=("parts",))
    assert [(field.name, field.default) for field in fields(made)][1:] == [("strict", False), ("share", 0.1)]
    assert "share: of all, at least 0." in (made.__doc__ or "")
    assert options(made(root=Path("x"), share=0.5), plan) == {"root": Path("x"), "share": 0.5}
