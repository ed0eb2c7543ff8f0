"""A run of the benchmark on disk, and what has become slower since."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from randquant.errors import DataError
from randquant.files.atomic import write_json
from randquant.files.json_record import Record
from randquant.scripts.measuring.limits import Limits
from randquant.scripts.measuring.pair import Line

_LEAST = 0.1  # a ratio that moves by less is not told


@dataclass(frozen=True, kw_only=True)
class StoredRun(Record):
    """Lines and what they were measured on.

    Attributes:
        versions: of the libraries.
        device: cpu or cuda, and which.
        threads: of the CPU.
        runs: times each pair was run.
        limits: of the machine, measured just before.
        lines: in order.
    """

    versions: dict[str, str]
    device: str
    threads: int
    runs: int
    limits: Limits
    lines: list[Line]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The run in a file.

        Raises:
            DataError: it cannot be read, or is no such file.
        """
        try:
            return cls.from_json(json.loads(path.read_bytes()))
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{path} is no file of scripts.benchmark --json ({error}); give one that it wrote."
            ) from None

    def write(self, path: Path) -> None:
        """As JSON."""
        write_json(path, self.to_json())

    def circumstances(self) -> dict[str, Any]:
        """What has to be the same for two runs to be compared."""
        return {"device": self.device, "processor": self.limits.processor, "threads": self.threads} | self.versions


def slower(now: Sequence[Line], before: Sequence[Line]) -> list[tuple[Line, Line]]:
    """Lines of now, and of before, whose ratio fell by more than its noise; or rose, where a size is compared with a
    larger one.

    The middle halves of the runs do not touch, and the median moved by a tenth. Seconds are not looked at: they tell
    more of what else the machine did.
    """
    known = {(line.group, line.name, line.twin): line for line in before}
    both = [
        (line, known[line.group, line.name, line.twin]) for line in now if (line.group, line.name, line.twin) in known
    ]
    return [(new, old) for new, old in both if (_fell(old, new) if new.grows else _fell(new, old))]


def _fell(after: Line, before: Line) -> bool:
    return after.ratio_high < before.ratio_low and after.ratio < (1 - _LEAST) * before.ratio
