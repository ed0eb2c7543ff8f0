"""The methods by name. A new one needs a line here: flags, `--help` and checkpoints follow."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from torch import nn

    from randquant.ssl.method import Method

METHODS: LateRegistry["type[Method]"] = LateRegistry(
    "randquant.ssl",
    {
        "byol": "byol:BYOL",
        "mocov3": "mocov3:MoCoV3",
        "moco": "moco:MoCo",
        "simclr": "simclr:SimCLR",
        "infonce": "infonce:InfoNCE",
    },
)
if TYPE_CHECKING:
    MethodName = str
else:
    MethodName = Literal[tuple(METHODS)]


class MethodSettings(Protocol):
    """The settings of a training, whose attributes are the further arguments of the methods."""

    method: MethodName


def make_method(settings: MethodSettings, encoder: "nn.Module", embedding_size: int) -> "Method":
    """The method that a training's settings name, around an encoder.

    What its constructor takes besides the encoder and its size, it gets from the settings of the same names.
    """
    make: Callable[..., Method] = METHODS[settings.method]
    names = list(inspect.signature(make).parameters)[2:]
    return make(encoder, embedding_size, **{name: getattr(settings, name) for name in names})
