"""For torch.hub: `torch.hub.load(REPOSITORY, "encoder", NAME)` opens an encoder as `randquant.load(NAME)` does.

import torch

encoder = torch.hub.load("CLONE", "encoder", "RUN", source="local")
"""

import sys
from pathlib import Path
from typing import Any

dependencies = ["torch", "numpy", "safetensors"]


def encoder(name: str, **how: Any) -> Any:
    """Open an encoder.

    Args:
        name: a run folder, a weights file, `hf://owner/name[@revision]` or `untrained:ENCODER:D`.
        how: further arguments of `randquant.load`, such as `device`.

    Returns:
        A `randquant.loading.ready_encoder.ReadyEncoder`, in eval mode.
    """
    package = str(Path(__file__).resolve().parent / "common")
    if package not in sys.path:
        sys.path.insert(0, package)
    import randquant

    return randquant.load(name, **how)
