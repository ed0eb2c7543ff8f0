"""A foreign encoder as a module whose answers are checked."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randquant.errors import UsageError, one_line
from randquant.weights.foreign.user_function import place_of


class ForeignModule(nn.Module):
    """A foreign encoder as a module: moved and cast with what holds weights in it, its answers checked.

    Args:
        made: what the user's function returned: a module, or any callable.
        name: as typed, for messages.
        dimension: D.
    """

    def __init__(self, made: Any, name: str, dimension: int) -> None:
        super().__init__()
        self.name, self.dimension = name, dimension
        self.made = made  # registered where it is a module
        if not isinstance(made, nn.Module):
            parts = getattr(made, "__dict__", {}).values()
            self.held = nn.ModuleList(part for part in parts if isinstance(part, nn.Module))

    def forward(self, x: Tensor) -> Tensor:
        """A batch to vectors (B, D), float32 at least.

        Raises:
            UsageError: the encoder fails, or gives another shape.
        """
        try:
            answer = self.made(x)
        except (torch.OutOfMemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            raise UsageError(
                f"--checkpoint {self.name}: the encoder failed{place_of(error)} on a batch of shape {tuple(x.shape)}: "
                f"{type(error).__name__}: {one_line(error)}."
            ) from None
        vectors = torch.from_numpy(answer) if isinstance(answer, np.ndarray) else answer
        if not isinstance(vectors, Tensor) or tuple(vectors.shape) != (len(x), self.dimension):
            found = tuple(vectors.shape) if isinstance(vectors, Tensor) else type(answer).__name__
            raise UsageError(
                f"--checkpoint {self.name}: the encoder should give vectors of shape ({len(x)}, {self.dimension}) for "
                f"a batch of shape {tuple(x.shape)}, as its dimension says, and gave {found}."
            )
        return vectors.to(torch.promote_types(vectors.dtype, torch.float32))
