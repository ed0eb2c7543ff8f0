"""The same computation on a GPU and on a CPU."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map

DEVICE = "cuda"


def on(device: str, given: Any) -> Any:
    """Tensors and modules anywhere within what is given, on a device; modules as copies."""

    def moved(leaf: Any) -> Any:
        if isinstance(leaf, nn.Module):
            return copy.deepcopy(leaf).to(device)
        return leaf.to(device) if isinstance(leaf, torch.Tensor) else leaf

    return tree_map(moved, given)


def agrees(call: Callable[..., Any], *given: Any, rtol: float = 1e-4, atol: float = 1e-5) -> None:
    """Whether both give the same within a tolerance; the GPU's convolutions without TF32."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        found = on("cpu", call(*on(DEVICE, given)))
    torch.testing.assert_close(found, call(*on("cpu", given)), rtol=rtol, atol=atol, equal_nan=True)
