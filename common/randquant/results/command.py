"""The command that a result is of, so that it can be run again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from randquant.files.json_record import Json, Record

# Where results go, and what is kept for the next command: no number depends on them.
_UNSAID = ("out", "cache", "save_classifier")


@dataclass(frozen=True, kw_only=True)
class CommandRecord(Record):
    """A command and its flags.

    Attributes:
        name: of the command, such as "probe_audio".
        settings: by flag, defaults included, which another version may have changed.
    """

    name: str
    settings: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, flags: Mapping[str, object]) -> Self:
        """The record of a command.

        Args:
            name: of the command.
            flags: their values as it was called with.
        """
        return cls(name=name, settings={flag: _plain(value) for flag, value in flags.items() if flag not in _UNSAID})


def _plain(value: object) -> Json:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value  # type: ignore[return-value]  # flags are texts and numbers
