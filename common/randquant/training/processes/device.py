"""The device a command computes on, as named on the command line."""

import torch

from randquant.errors import UsageError


def named_device(name: str) -> torch.device:
    """The device `name` says; "auto" is the GPU where there is one.

    Raises:
        UsageError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).tolist()  # the device "meta" holds no numbers
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UsageError(f"--device {name} cannot be used here; give auto, cpu or cuda.") from None
    return device
