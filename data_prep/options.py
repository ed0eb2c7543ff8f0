"""Turn the signature of a plan function into flags of a command, and its docstring into their help."""

import inspect
import typing
from collections.abc import Callable, Collection
from dataclasses import field, fields, make_dataclass
from typing import Any

import docstring_parser

from randquant.data_prep.engine.plan import Plan


def with_options(settings: Any, plan: Callable[..., Plan], *, without: Collection[str] = ()) -> type[Any]:
    """A settings class that takes the options of `plan` too, with their types, defaults and help.

    Args:
        settings: a frozen dataclass; of a field that the plan has too, only the help is the plan's.
        plan: as in `Dataset.plan`.
        without: parameters of the plan to leave out.
    """
    hints, known = typing.get_type_hints(plan), {each.name for each in fields(settings)}
    parameters = [each for each in inspect.signature(plan).parameters.values() if each.name not in without]
    own = [each for each in parameters if each.name not in known]
    further = [(each.name, hints[each.name], field(default=each.default)) for each in own]
    told = {entry.arg_name: entry.description or "" for entry in docstring_parser.parse(plan.__doc__ or "").params}
    helps = [f"    {each.name}: {' '.join(told[each.name].split())}" for each in parameters if each.name in told]
    doc = "\n".join(["Settings of a plan.", "", "Attributes:", *helps])
    namespace = {"__doc__": doc, "__module__": settings.__module__}
    return make_dataclass(settings.__name__, further, bases=(settings,), namespace=namespace, frozen=True)


def options(settings: Any, plan: Callable[..., Plan]) -> dict[str, Any]:
    """The values of a plan's parameters in settings."""
    return {name: getattr(settings, name) for name in inspect.signature(plan).parameters if hasattr(settings, name)}
