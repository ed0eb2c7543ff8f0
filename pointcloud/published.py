"""Published encoders of point clouds: how their files name the tensors, and what the shapes say about the sizes.

What no tensor says, as how many neighbours a point has, is taken from the published code.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pointcloud.encoder import ENCODERS, PointEncoder
from pointcloud.geometry import Axis
from pointcloud.pointnet_lite import PointNetLite
from randquant.errors import DataError
from randquant.state_dict import OTHER_PARTS, Found, Naming, fill_encoder, find_encoder, shortened, state_dicts
from randquant.weights import Content

State = dict[str, Tensor]


@dataclass(frozen=True)
class Family:
    """Files of one kind.

    Attributes:
        naming: of their tensors.
        make: an encoder of the sizes that the tensors have, by their names in it; KeyError, IndexError or ValueError
            where it could be none.
        up: the axis that points up in the clouds they were trained on.
    """

    naming: Naming
    make: Callable[[State], PointEncoder]
    up: Axis


@dataclass(frozen=True)
class Foreign:
    """Networks that are recognised and of no use here.

    Attributes:
        name: what they are.
        mark: finds the name of a tensor that only they have.
    """

    name: str
    mark: re.Pattern[str]


FOREIGN = (
    Foreign("a transformer of point patches, as Point-MAE, ReCon and Point-BERT have", re.compile(
        r"(^|\.)(MAE_encoder|MAE_decoder|transformer_q|OnlineEncoder)\.|(^|\.)blocks\.(blocks\.)?\d+\.attn\.qkv\."
    )),
    Foreign("a PointNet++", re.compile(r"(^|\.)sa1\.(mlp_convs|conv_blocks)\.0\.")),
    Foreign("a DGCNN for segmentation", re.compile(r"(^|\.)conv6\.0\.weight$")),
)  # fmt: skip


def open_published(content: Content) -> tuple[PointEncoder, Found, Axis]:
    """The encoder in a file of somebody else's, filled; what was found where; and which axis points up for it.

    Raises:
        DataError: another network, several encoders, a target network alone, tensors that do not fit, or tensors of
            unknown purpose.
    """
    foreign = _foreign(content)
    if foreign is not None:
        raise DataError(
            f"{content.file} holds {foreign.name}, which is none of the encoders here; give weights of "
            f"{', '.join(ENCODERS)}."
        )
    found = find_encoder(content, tuple(family.naming for family in FAMILIES), _OTHER_PART, ", ".join(ENCODERS))
    family = next(each for each in FAMILIES if each.naming is found.naming)
    try:
        with torch.device("meta"):
            encoder = family.make(found.tensors)
    except (KeyError, IndexError, ValueError) as error:
        raise DataError(
            f"{content.file} has names of {family.naming.source or 'an encoder of ours'} but other sizes or missing "
            f"tensors ({error}; it has {shortened(sorted(found.tensors))}); give weights of {', '.join(ENCODERS)}."
        ) from None
    fill_encoder(content.file, encoder, found.tensors)
    return encoder, found, family.up


def find_own(content: Content, encoder: type[PointEncoder]) -> Found:
    """The tensors of an encoder under our own names.

    Raises:
        DataError: see `randquant.state_dict.find_encoder`.
    """
    return find_encoder(content, (_own_names(encoder),), _OTHER_PART, encoder.__name__)


def is_recognised(content: Content) -> bool:
    """Whether a file of somebody else's holds a network of point clouds, of use here or not."""
    firsts = tuple(f".{family.naming.first}" for family in FAMILIES)
    states = [state for _, state in state_dicts(content.value)]
    return _foreign(content) is not None or any(
        f".{name}".endswith(firsts) and max(tensor.shape[2:], default=1) == 1
        for state in states
        for name, tensor in state.items()
    )


def _foreign(content: Content) -> Foreign | None:
    names = [name for _, state in state_dicts(content.value) for name in state]
    return next((each for each in FOREIGN if any(each.mark.search(name) for name in names)), None)


def _own_names(encoder: type[PointEncoder]) -> Naming:
    """The encoder's own names, as in a state dict of ours."""
    with torch.device("meta"):
        names = list(encoder().state_dict())  # type: ignore[call-arg]  # every encoder has defaults
    parts = {name.partition(".")[0] for name in names}
    return Naming(names[0], lambda name: name if name.partition(".")[0] in parts else None)


def _pointnet_lite(state: State) -> PointEncoder:
    return PointNetLite(d=state["whole.1.linear.weight"].shape[0], channels=next(iter(state.values())).shape[1])


FAMILIES = (Family(_own_names(PointNetLite), _pointnet_lite, "z"),)
_OTHER_PART = re.compile("|".join([*OTHER_PARTS, r"^linear\d*$", r"^bn[67]$", r"^fc\d$"]))
