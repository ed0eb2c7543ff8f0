"""An exported file held against the encoder it was made from."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from randquant.errors import DataError
from randquant.export.exportable import Exportable

TOLERANCE = 1e-4  # of a vector's largest entry, in float32


@dataclass(frozen=True)
class Agreement:
    """How far vectors are from the encoder's own.

    Attributes:
        inputs: batches that were tried.
        absolute: largest difference of an entry.
        relative: largest difference of an entry in parts of its vector's largest one.
        cosine: of the two vectors that are least alike.
    """

    inputs: int
    absolute: float
    relative: float
    cosine: float

    def __str__(self) -> str:
        return (
            f"over {self.inputs} batches entries differ by {self.absolute:.1e} at most, {self.relative:.1e} of the "
            f"vector's largest; the least cosine is {self.cosine:.6f}"
        )


def agreement(run: Callable[[Tensor], Tensor], exportable: Exportable) -> Agreement:
    """Compare a file with the encoder on three sizes of the batch by five of the free dimension.

    Raises:
        DataError: vectors of another shape, or that are not finite.
    """
    found: list[tuple[float, float, float]] = []
    tried = exportable.tried()
    for inputs in tried:
        with torch.inference_mode():
            own = exportable.native(inputs).float()
        given = run(inputs).detach()
        if given.shape != own.shape or not bool(torch.isfinite(given).all()):
            raise DataError(
                f"the exported file gives vectors of shape {tuple(given.shape)} for inputs {tuple(inputs.shape)} where "
                f"{tuple(own.shape)} finite ones are expected, so it was not written; please report this encoder."
            )
        difference = (given - own).abs().amax(dim=1)
        largest = own.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
        alike = torch.nn.functional.cosine_similarity(given.double(), own.double(), dim=1)
        found.append((float(difference.max()), float((difference / largest).max()), float(alike.min())))
    absolute, relative, cosine = zip(*found, strict=True)
    return Agreement(len(tried), max(absolute), max(relative), min(cosine))


def require_equal(found: Agreement) -> None:
    """Refuse a file in float32 that differs from its encoder by more than rounding.

    Raises:
        DataError: it does.
    """
    if found.relative > TOLERANCE:
        raise DataError(
            f"the exported file differs from the encoder: {found}, where {TOLERANCE:g} is allowed, so it was not "
            "written; please report this encoder."
        )
