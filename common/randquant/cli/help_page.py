"""How a help page shows a flag: line breaks of descriptions, and types in words."""

import argparse
import inspect
import typing
from typing import Any

from randquant.extras import needs
from randquant.installation.commands import as_typed

with needs("train"):
    from jsonargparse import ActionYesNo, DefaultHelpFormatter


class HelpPage(DefaultHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of descriptions: they hold the commands to type."""

    def format_help(self) -> str:
        """The page; jsonargparse takes a space back by a control character, which a terminal would be shown."""
        return as_typed(super().format_help().replace(" \b[", "[").replace("\b", ""))

    def _get_type_str(self, action: argparse.Action) -> str | None:
        """The type in words; none where the flag itself shows its values."""
        hint = getattr(action, "_typehint", None)
        if isinstance(action, ActionYesNo) or typing.get_origin(hint) is typing.Literal:
            return None
        if typing.get_origin(hint) is typing.Union:
            return " or ".join(name for part in typing.get_args(hint) for name in names_of(part) if name != "NoneType")
        text: str | None = super()._get_type_str(action)
        return text and text.replace("<class 'Path'>", "Path")


def names_of(typehint: Any) -> list[str]:
    """Values of a Literal, the name of anything else."""
    if typing.get_origin(typehint) is typing.Literal:
        return [str(value) for value in typing.get_args(typehint)]
    return [typehint.__name__ if inspect.isclass(typehint) else str(typehint)]
