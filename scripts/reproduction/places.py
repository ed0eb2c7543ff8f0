"""Where stores and checkpoints are that a record names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from randquant.errors import DataError, UsageError

_NOT_A_PATH = re.compile(r"[a-z]+:")  # untrained:, occupancy:, hf://, python:


@dataclass(frozen=True)
class Places:
    """Where to look for what a record names.

    Attributes:
        moved: what was moved where: old and new path of files, folders, or folders above them.
        near: the file or folder of the record: a relative path is looked for here first, then in the folders above it.
    """

    moved: Sequence[tuple[Path, Path]]
    near: Path

    @classmethod
    def of(cls, moves: Sequence[str], near: Path) -> "Places":
        """As typed: OLD=NEW, each.

        Raises:
            UsageError: one is something else, or its NEW does not exist.
        """
        moved = []
        for move in moves:
            old, equals, new = move.partition("=")
            if not (old and equals and new):
                raise UsageError(f"--data {move} should be OLD=NEW, a path of the record and where it is now.")
            if not Path(new).exists():
                raise UsageError(f"--data {move}: {new} does not exist; give the place where {old} is now.")
            moved.append((Path(old), Path(new)))
        return cls(moved, near)

    def found(self, name: str, what: str) -> str:
        """The path that `name` has here; names that are no path, such as `untrained:MLP:1`, stay.

        Raises:
            DataError: it is nowhere.
        """
        for old, new in self.moved:
            if Path(name).is_relative_to(old):
                return self._existing(new / Path(name).relative_to(old), name, what)
        if _NOT_A_PATH.match(name) and not Path(name).exists():
            return name
        if not Path(name).is_absolute():
            above = (folder / name for folder in self.near.resolve().parents)
            return self._existing(
                next((path for path in (Path(name), *above) if path.exists()), Path(name)), name, what
            )
        return self._existing(Path(name), name, what)

    def _existing(self, path: Path, name: str, what: str) -> str:
        if not path.exists():
            raise DataError(f"the {what} {path} does not exist; if it was moved, give --data {name}=WHERE_IT_IS.")
        return str(path)
