"""Commands whose modules load when they are typed: a list of them shows their lines alone."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from randquant.extras import needs

with needs("train"):
    import docstring_parser


class LateCommands(Mapping[str, Callable[..., Any]]):
    """Commands by name, each made when it is asked for.

    Args:
        lines: by name what `--help` says of it.
        make: from a name to the command, a function as `randquant.cli.command.run` takes it.
    """

    def __init__(self, lines: Mapping[str, str], make: Callable[[str], Callable[..., Any]]) -> None:
        self.lines, self._make = dict(lines), make

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in self.lines:
            raise KeyError(name)
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)


def line_of(commands: Mapping[str, Callable[..., Any]], name: str) -> str:
    """What the list of commands says of one: the first sentence of its docstring, or its line where it loads late."""
    if isinstance(commands, LateCommands):
        return commands.lines[name]
    return docstring_parser.parse(commands[name].__doc__ or "").short_description or ""
