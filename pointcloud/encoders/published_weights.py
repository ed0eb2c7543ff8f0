"""Published point cloud encoders: the tensor names in their files, and sizes from the shapes.

| files of | network | names |
|---|---|---|
| CrossPoint, STRL, dgcnn.pytorch, Wang et al. | DGCNN | `conv1.0`, ...; batch norms also as `bn1`, ... |
| STRL and dgcnn.pytorch | PointNet | `conv1`, `bn1`, ... |
| OpenPoints | PointNeXt-S | `encoder.0.0.convs.0.0`, ... |

Heads, projectors and target networks beside them are recognised and left out. How many neighbours a DGCNN takes is in
no tensor: it is read from the hyper-parameters of a Lightning checkpoint; without them STRL's files (an online network)
get the 40 and CrossPoint's (an `inv_head`) the 15 of their published evaluations, and all others 20, the default of
Wang et al. What is assumed is part of the report.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from randquant.errors import DataError
from randquant.pointcloud.encoders.dgcnn import DGCNN
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.pointnet import PointNet
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.encoders.pointnext import PointNeXt
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.points.axes import Axis
from randquant.weights.state_dict import OTHER_PARTS, Found, Naming, fill_encoder, find_encoder, shortened, state_dicts
from randquant.weights.weight_file import Content

State = dict[str, Tensor]

# Neighbours of a point in the published evaluations of DGCNNs; Wang et al. and dgcnn.pytorch have the usual number.
NEIGHBOURS = {"strl": 40, "crosspoint": 15, "usual": 20}


@dataclass(frozen=True)
class Family:
    """Files of one kind.

    Attributes:
        naming: of their tensors.
        make: an encoder of the sizes that the tensors have, by its own names; KeyError, IndexError or ValueError
            where there is none.
        up: the axis that points up in the clouds they were trained on.
    """

    naming: Naming
    make: Callable[[State], PointEncoder]
    up: Axis


# Networks that are recognised and not supported, by the name of a tensor that only they have.
_FOREIGN = {
    "a transformer over patches of points, as those of Point-MAE, ReCon and Point-BERT": (
        r"(^|\.)(MAE_encoder|MAE_decoder|transformer_q)\.|(^|\.)blocks\.(blocks\.)?\d+\.attn\.qkv\."
    ),
    "a PointNet++": r"(^|\.)sa1\.(mlp_convs|conv_blocks)\.0\.",
    "a PointNet with transformer networks, which ours leaves out": r"(^|\.)stn\.conv1\.",
    "a DGCNN for segmentation": r"(^|\.)conv6\.0\.weight$",
}


def open_published(content: Content) -> tuple[PointEncoder, Axis, str]:
    """The encoder in a foreign file, the axis that points up for it, and the report.

    Raises:
        DataError: another network, several encoders, a target network alone, tensors that do not fit, or tensors of
            unknown purpose.
    """
    foreign = _foreign(content)
    if foreign is not None:
        raise DataError(
            f"{content.file} holds {foreign}, which is none of the encoders here; give weights of "
            f"{', '.join(ENCODERS)}."
        )
    found = find_encoder(content, tuple(family.naming for family in FAMILIES), OTHER_PART, ", ".join(ENCODERS))
    family = next(each for each in FAMILIES if each.naming is found.naming)
    assumed = ""
    try:
        with torch.device("meta"):
            encoder = family.make(found.tensors)
            if isinstance(encoder, DGCNN):
                k, assumed = _neighbours(content.value, found)
                encoder.set_neighbours(k)
    except (KeyError, IndexError, ValueError) as error:
        raise DataError(
            f"{content.file} has names of {family.naming.source or 'an encoder of ours'} but other sizes or missing "
            f"tensors ({error}; it has {shortened(sorted(found.tensors))}); give weights of {', '.join(ENCODERS)}."
        ) from None
    fill_encoder(content.file, encoder, _as_linear(encoder, found.tensors))
    return encoder, family.up, found.report(encoder) + assumed


def is_recognised(content: Content) -> bool:
    """Whether a foreign file holds a point cloud network, supported or not."""
    firsts = tuple(f".{family.naming.first}" for family in FAMILIES)
    states = [state for _, state in state_dicts(content.value)]
    return _foreign(content) is not None or any(
        f".{name}".endswith(firsts) and max(tensor.shape[2:], default=1) == 1
        for state in states
        for name, tensor in state.items()
    )


def _foreign(content: Content) -> str | None:
    names = [name for _, state in state_dicts(content.value) for name in state]
    return next((network for network, mark in _FOREIGN.items() if any(re.search(mark, name) for name in names)), None)


def _neighbours(value: Any, found: Found) -> tuple[int, str]:
    """k of a DGCNN, and in words where it is from unless the file says it."""
    parameters = value.get("hyper_parameters") if isinstance(value, Mapping) else None
    k = parameters.get("k") if isinstance(parameters, Mapping) else None
    if isinstance(k, int) and not isinstance(k, bool) and k > 0:
        return k, ""
    if "online" in found.prefix:
        usual, whose = NEIGHBOURS["strl"], "as STRL's evaluation takes"
    elif any("inv_head" in name for name in found.left_out):
        usual, whose = NEIGHBOURS["crosspoint"], "as CrossPoint's evaluation takes"
    else:
        usual, whose = NEIGHBOURS["usual"], "the usual number"
    return usual, f"; {usual} neighbours of a point, {whose}, since the file does not say (:k= sets another)"


def _as_linear(encoder: PointEncoder, state: State) -> State:
    """Convolutions over single points, (O, I, 1) or (O, I, 1, 1), as the matrices that linear layers hold."""
    matrices = {f"{name}.weight" for name, part in encoder.named_modules() if isinstance(part, nn.Linear)}
    return {
        name: tensor.flatten(1) if name in matrices and set(tensor.shape[2:]) == {1} else tensor
        for name, tensor in state.items()
    }


def own_names(encoder: type[PointEncoder]) -> Naming:
    """The encoder's own names, as in a state dict of ours."""
    with torch.device("meta"):
        names = list(encoder().state_dict())  # type: ignore[call-arg]  # every encoder has defaults
    parts = {name.partition(".")[0] for name in names}
    return Naming(names[0], lambda name: name if name.partition(".")[0] in parts else None)


def _dgcnn_name(name: str) -> str | None:
    alias = re.fullmatch(r"bn([1-5])\.(.+)", name)
    if alias is not None:
        return f"conv{alias[1]}.1.{alias[2]}"
    return name if re.match(r"conv[1-5]\.[01]\.", name) else None


def _pointnet_name(name: str) -> str | None:
    return name if re.match(r"(conv|bn)[1-5]\.", name) else None


def _pointnext_name(name: str) -> str | None:
    if not name.startswith("encoder."):
        return None
    for pattern, own in _POINTNEXT:
        matched = re.fullmatch(pattern, name)
        if matched is not None:
            return own(*matched.groups())
    return name  # of a deeper PointNeXt: it fits nowhere and will be named


_PARTS = {"0": "linear", "1": "norm"}  # of a layer
_POINTNEXT: tuple[tuple[str, Callable[..., str]], ...] = (
    (r"encoder\.0\.0\.convs\.0\.0\.(.+)", lambda tensor: f"stem.{tensor}"),
    (r"encoder\.([1-4])\.0\.skipconv\.0\.(.+)", lambda stage, tensor: f"stages.{int(stage) - 1}.skip.{tensor}"),
    (
        r"encoder\.([1-4])\.0\.convs\.([01])\.([01])\.(.+)",
        lambda stage, layer, part, tensor: f"stages.{int(stage) - 1}.network.{layer}.{_PARTS[part]}.{tensor}",
    ),
    (
        r"encoder\.5\.0\.convs\.([01])\.([01])\.(.+)",
        lambda layer, part, tensor: f"last.{layer}.{_PARTS[part]}.{tensor}",
    ),
)


def _pointnet_lite(state: State) -> PointEncoder:
    return PointNetLite(d=len(state["whole.1.linear.weight"]), channels=state["first.network.0.linear.weight"].shape[1])


def _pointnet(state: State) -> PointEncoder:
    return PointNet(d=len(state["conv5.weight"]), channels=state["conv1.weight"].shape[1])


def _dgcnn(state: State) -> PointEncoder:
    return DGCNN(d=len(state["conv5.0.weight"]), channels=state["conv1.0.weight"].shape[1] // 2)


def _pointnext(state: State) -> PointEncoder:
    inputs = state["stem.weight"].shape[1]
    return PointNeXt(d=len(state["last.1.linear.weight"]), channels=6 if inputs > 4 else 3, height=inputs in (4, 7))


def _openpoints(state: State) -> PointEncoder:
    if state["stem.weight"].shape[1] != 3:
        raise ValueError("it reads heights in the units of its own files, or more")
    return PointNeXt(d=len(state["last.1.linear.weight"]), height=False)


FAMILIES = (
    Family(own_names(PointNetLite), _pointnet_lite, "z"),
    Family(own_names(PointNeXt), _pointnext, "z"),
    Family(Naming("conv1.0.weight", _dgcnn_name), _dgcnn, "y"),
    Family(Naming("conv5.weight", _pointnet_name), _pointnet, "y"),
    Family(Naming("encoder.0.0.convs.0.0.weight", _pointnext_name, source="OpenPoints' PointNeXt"), _openpoints, "y"),
)
OTHER_PART = re.compile("|".join([*OTHER_PARTS, r"^linear\d$", r"^bn[67]$"]))
