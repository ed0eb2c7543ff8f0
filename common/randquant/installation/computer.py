"""What computes: numbers may differ in their last digits between two versions, devices or numbers of threads."""

import platform
from typing import Any

import numpy as np
import torch

import randquant
from randquant.installation.overview import installed_version


def computed_on(device: str | torch.device) -> dict[str, Any]:
    """Versions, device and threads, ready for JSON and for a checkpoint."""
    kind = torch.device(device).type
    name = torch.cuda.get_device_name(device) if kind == "cuda" else torch.backends.cpu.get_cpu_capability()
    return {"versions": versions(), "device": f"{kind} ({name})", "threads": torch.get_num_threads()}


def versions() -> dict[str, str]:
    """Of the libraries that numbers depend on."""
    return {
        "randquant": randquant.__version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "scikit-learn": installed_version("scikit-learn"),
        "python": platform.python_version(),
    }
