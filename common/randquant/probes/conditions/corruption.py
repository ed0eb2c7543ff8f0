"""Named changes of test items, each at several severities: what a classifier of clean items is asked about.

Each change is fixed: it depends on the item, the kind, its severity and the seed, not on the batch or the encoder, so
all encoders meet the same items.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from randquant.files.json_record import Json


@dataclass(frozen=True)
class CorruptionKind:
    """A kind of change.

    Attributes:
        change: of an item, a severity, what the modality adds, and a generator: the changed item.
        severities: at which it is asked.
        unit: of them, in words.
        most: the largest there can be.
        least: below all there can be.
    """

    change: Callable[..., Tensor]
    severities: tuple[float, ...]
    unit: str
    most: float
    least: float = 0.0


@dataclass(frozen=True)
class Corruption:
    """One kind of change at one severity; a modality names its kinds in a subclass.

    Args:
        kind: a key of `KINDS`.
        severity: in the unit of the kind.
        seed: of all draws.
    """

    KINDS: ClassVar[Mapping[str, CorruptionKind]] = {}
    VERSION: ClassVar[int] = 1  # raise it whenever the same facts would give other items

    kind: str
    severity: float
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in self.KINDS:
            raise ValueError(f"kind should be one of {', '.join(self.KINDS)}, got {self.kind!r}")
        least, most = self.KINDS[self.kind].least, self.KINDS[self.kind].most
        if not least < self.severity <= most:
            raise ValueError(f"severity should be above {least:g} and at most {most:g}, got {self.severity:g}")

    @classmethod
    def every(cls, seed: int) -> list[Self]:
        """Every kind at every severity."""
        return [cls(kind, severity, seed) for kind, known in cls.KINDS.items() for severity in known.severities]

    @property
    def name(self) -> str:
        """Such as "jitter 0.02"."""
        return f"{self.kind} {self.severity:g}"

    @property
    def unit(self) -> str:
        """Of the severity."""
        return self.KINDS[self.kind].unit

    @property
    def facts(self) -> dict[str, Json]:
        """JSON-ready: what the change depends on, except the item."""
        return {"kind": self.kind, "severity": self.severity, "seed": self.seed, "version": self.VERSION}

    def __call__(self, batch: Tensor, indices: Sequence[int], *context: Any) -> Tensor:
        """Change items.

        Args:
            batch: (B, ...) on the CPU.
            indices: (B,) which items of the store they are.
            context: what a change of the modality needs to know beside the item.

        Returns:
            (B, ...); of other sizes where the kind says so.
        """
        change, items = self.KINDS[self.kind].change, zip(batch, indices, strict=True)
        return torch.stack(
            [change(item, self.severity, *context, self._generator(int(index))) for item, index in items]
        )

    def _generator(self, index: int) -> torch.Generator:
        text = f"{self.seed} {self.kind} {self.severity!r} {index}"
        digest = hashlib.sha256(text.encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
