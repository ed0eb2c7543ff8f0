"""Published files, built here with the names and shapes of the public code: what is taken, and what is refused."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from randquant.errors import DataError, UsageError
from randquant.pointcloud.encoders.dgcnn import DGCNN, SLOPE
from randquant.pointcloud.encoders.named_encoder import named_encoder
from randquant.pointcloud.encoders.pointnet import PointNet
from randquant.pointcloud.encoders.pointnext import PointNeXt
from randquant.pointcloud.encoders.weights import LoadedPointEncoder, is_of_points, load_encoder
from randquant.pointcloud.evaluation.protocols import PROTOCOLS, ProtocolName
from randquant.weights.weight_file import read_weights

State = dict[str, Tensor]
D = 32  # of the small ones here


def norm(name: str, channels: int, draw: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    """A batch norm's five tensors."""
    for tensor in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{tensor}", torch.rand(channels, generator=draw) + 0.5
    yield f"{name}.num_batches_tracked", torch.tensor(7)


def crosspoint(d: int = D, channels: int = 3, seed: int = 0) -> State:
    """A DGCNN whose batch norms are saved under two names, with CrossPoint's projection head."""
    draw = torch.Generator().manual_seed(seed)
    state: State = {}
    widths = ((2 * channels, 64), (128, 64), (128, 128), (256, 256), (512, d))
    for number, (inputs, outputs) in enumerate(widths, 1):
        shape = (outputs, inputs, 1, 1) if number < 5 else (outputs, inputs, 1)
        state[f"conv{number}.0.weight"] = torch.randn(shape, generator=draw) / inputs**0.5
        for name, tensor in norm(f"bn{number}", outputs, draw):
            state[name] = tensor
            state[name.replace(f"bn{number}", f"conv{number}.1")] = tensor
    head = {"inv_head.0.weight": torch.zeros(d, 2 * d), **dict(norm("inv_head.1", d, draw))}
    return {**state, **head, "inv_head.3.weight": torch.zeros(256, d)}


def classifier(d: int = D) -> State:
    """The head of DGCNN's and PointNet's public code."""
    draw = torch.Generator().manual_seed(0)
    layers = {"linear1.weight": torch.zeros(512, 2 * d), "linear3.bias": torch.zeros(40)}
    return {**layers, **dict(norm("bn6", 512, draw)), **dict(norm("bn7", 256, draw))}


def without_head(state: State) -> State:
    return {name: tensor for name, tensor in state.items() if not name.startswith("inv_head")}


def pointnet(d: int = D) -> State:
    """The PointNet without transformer networks of STRL and dgcnn.pytorch."""
    draw = torch.Generator().manual_seed(0)
    state: State = {}
    widths = ((3, 64), (64, 64), (64, 64), (64, 128), (128, d))
    for number, (inputs, outputs) in enumerate(widths, 1):
        state[f"conv{number}.weight"] = torch.randn((outputs, inputs, 1), generator=draw)
        state.update(norm(f"bn{number}", outputs, draw))
    return state


def openpoints(d: int = 64, inputs: int = 3) -> State:
    """PointNeXt-S as OpenPoints saves it, with its head."""
    draw = torch.Generator().manual_seed(0)
    stem = d // 16
    state = {
        "encoder.0.0.convs.0.0.weight": torch.randn((stem, inputs, 1), generator=draw),
        "encoder.0.0.convs.0.0.bias": torch.randn(stem, generator=draw),
    }
    width = stem
    for stage in range(1, 6):
        outputs = 2 * width if stage < 5 else width
        middle = outputs // 2 if stage < 5 else outputs
        for layer, (one, other) in enumerate(((3 + width, middle), (middle, outputs))):
            name = f"encoder.{stage}.0.convs.{layer}"
            state[f"{name}.0.weight"] = torch.randn((other, one, 1, 1), generator=draw)
            state.update(norm(f"{name}.1", other, draw))
        if stage < 5:
            state[f"encoder.{stage}.0.skipconv.0.weight"] = torch.randn((outputs, width, 1), generator=draw)
            state[f"encoder.{stage}.0.skipconv.0.bias"] = torch.randn(outputs, generator=draw)
        width = outputs
    encoder = {f"encoder.{name}": tensor for name, tensor in state.items()}
    return {**encoder, "prediction.head.0.0.weight": torch.zeros(512, d), "prediction.head.4.0.bias": torch.zeros(40)}


def prefixed(state: State, prefix: str, shift: float = 0.0) -> State:
    return {prefix + name: tensor + shift if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def opened(value: Any, path: Path) -> LoadedPointEncoder:
    torch.save(value, path)
    assert is_of_points(read_weights(path))
    return load_encoder(path)


def refusal(value: Any, path: Path) -> str:
    torch.save(value, path)
    with pytest.raises(DataError) as caught:
        load_encoder(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def holds(loaded: LoadedPointEncoder, state: State) -> bool:
    own = loaded.encoder.state_dict()
    return all(torch.equal(own[name].flatten(), state[name].flatten()) for name in own)


# ---- DGCNN


@pytest.mark.parametrize(
    "kind", ["crosspoint", "head taken off", "DataParallel .t7", "one name a norm", "Lightning of STRL", "its typo"]
)
def test_dgcnns(kind: str, tmp_path: Path) -> None:
    state = crosspoint()
    bare = without_head(state)
    plain = {name: tensor for name, tensor in bare.items() if not name.startswith("bn")}
    network = "online_netwrok." if kind == "its typo" else "online_network."
    byol = {
        **prefixed(bare, "target_network.", shift=1.0),
        **prefixed(bare, network),
        f"{network}projector.0.weight": torch.zeros(3, 3),
        f"{network}predictor.3.weight": torch.zeros(3, 3),
    }
    value = {
        "crosspoint": state,
        "head taken off": bare,
        "DataParallel .t7": prefixed({**bare, **classifier()}, "module."),
        "one name a norm": plain,
    }.get(kind, {"state_dict": byol, "epoch": 99, "hyper_parameters": {"k": 40, "emb_dims": D, "dropout": 0.5}})
    loaded = opened(value, tmp_path / "model.t7")
    assert isinstance(loaded.encoder, DGCNN)
    assert holds(loaded, plain)
    assert loaded.encoder.k == {"crosspoint": 15, "Lightning of STRL": 40, "its typo": 40}.get(kind, 20)
    assert (loaded.up, loaded.points) == ("y", None)
    assert f"DGCNN(d={D}, channels=3, k={loaded.encoder.k}): all 30 tensors matched" in loaded.report
    assert ("inv_head" in loaded.report) == (kind == "crosspoint")
    assert ("target_network" in loaded.report) == ("state_dict" in value)


def test_sizes_and_channels_are_read_from_shapes(tmp_path: Path) -> None:
    loaded = opened(crosspoint(d=48, channels=6), tmp_path / "x.pth")
    assert loaded.encoder.embedding_size() == 96
    assert loaded.encoder.channels == ("x", "y", "z", "nx", "ny", "nz")


def slow_dgcnn(state: State, points: Tensor, k: int) -> Tensor:
    """The published forward pass, edge by edge: points (B, N, 3) -> (B, 2 d)."""

    def layer(x: Tensor, number: int) -> Tensor:
        name = f"conv{number}"
        x = F.linear(x, state[f"{name}.0.weight"].flatten(1)).movedim(-1, 1)
        mean, var, weight, bias = (
            state[f"{name}.1.{each}"] for each in ("running_mean", "running_var", "weight", "bias")
        )
        return F.leaky_relu(F.batch_norm(x, mean, var, weight, bias), 0.2).movedim(1, -1)

    x, layers = points, []
    for number in range(1, 5):
        nearest = torch.cdist(x, x).topk(k, largest=False).indices
        near = torch.stack([cloud[index] for cloud, index in zip(x, nearest, strict=True)])
        centre = x[:, :, None].expand_as(near)
        x = layer(torch.cat([near - centre, centre], dim=-1), number).amax(dim=2)
        layers.append(x)
    features = layer(torch.cat(layers, dim=-1), 5)
    return torch.cat([features.amax(dim=1), features.mean(dim=1)], dim=-1)


def test_a_published_dgcnn_computes_what_it_was_made_for(tmp_path: Path) -> None:
    state = crosspoint()
    loaded = opened(state, tmp_path / "x.pth")
    points = torch.rand(2, 40, 3)
    with torch.no_grad():
        torch.testing.assert_close(loaded.encoder(points), slow_dgcnn(state, points, 15), rtol=1e-3, atol=1e-3)


def strl(k: int | None = None) -> dict[str, Any]:
    """STRL's checkpoint, which says k or does not."""
    state = prefixed(without_head(crosspoint()), "online_network.")
    return {"state_dict": state, **({} if k is None else {"hyper_parameters": {"k": k}})}


@pytest.mark.parametrize(
    ("value", "k", "whose", "protocol"),
    [
        (strl(), 40, "as STRL's evaluation takes", "strl"),
        (strl(k=40), 40, None, "strl"),
        (strl(k=20), 20, None, None),
        (crosspoint(), 15, "as CrossPoint's evaluation takes", "crosspoint"),
        (without_head(crosspoint()), 20, "the usual number", None),
        (prefixed({**without_head(crosspoint()), **classifier()}, "module."), 20, "the usual number", None),
    ],
)
def test_neighbours_are_those_of_the_published_evaluation(
    value: Any, k: int, whose: str | None, protocol: ProtocolName | None, tmp_path: Path
) -> None:
    """What a file does not say is in the report, and its own preset has the same."""
    loaded = opened(value, tmp_path / "x.pth")
    assert isinstance(loaded.encoder, DGCNN)
    assert loaded.encoder.k == k
    assert ("since the file does not say" in loaded.report) == (whose is not None)
    assert whose is None or f"{k} neighbours of a point, {whose}" in loaded.report
    assert protocol is None or PROTOCOLS[protocol].neighbours == k


def test_what_no_tensor_says(tmp_path: Path) -> None:
    """The published networks' choices that another value of would load as well, in one table."""
    dgcnn = opened(crosspoint(), tmp_path / "a.pth").encoder
    strls = opened(strl(), tmp_path / "b.pth").encoder
    plain = opened(pointnet(), tmp_path / "c.pth").encoder
    pointnext = opened({"model": openpoints()}, tmp_path / "d.pth").encoder
    norms = [part for each in (dgcnn, strls, plain, pointnext) for part in each.modules() if hasattr(part, "eps")]
    assert isinstance(dgcnn, DGCNN)
    assert isinstance(strls, DGCNN)
    assert isinstance(pointnext, PointNeXt)
    stages: Any = pointnext.stages
    assert {
        "neighbours of CrossPoint's and STRL's DGCNN": (dgcnn.k, strls.k),
        "slope of their leaky ReLU": SLOPE,
        "pooling: maximum and mean beside each other": dgcnn.embedding_size() // D,
        "pooling of PointNet: the maximum": plain.embedding_size() // D,
        "columns": {each.channels for each in (dgcnn, strls, plain, pointnext)},
        "eps of the batch norms": {part.eps for part in norms},
        "PointNeXt's radii": [round(stage.radius, 5) for stage in stages],
        "points of its balls": {stage.k for stage in stages},
        "height": pointnext.height,
    } == {
        "neighbours of CrossPoint's and STRL's DGCNN": (15, 40),
        "slope of their leaky ReLU": 0.2,
        "pooling: maximum and mean beside each other": 2,
        "pooling of PointNet: the maximum": 1,
        "columns": {("x", "y", "z")},
        "eps of the batch norms": {1e-5},
        "PointNeXt's radii": [0.15, 0.225, 0.3375, 0.50625],
        "points of its balls": {32},
        "height": False,
    }
    for name in "abcd":
        loaded = load_encoder(tmp_path / f"{name}.pth")
        assert (loaded.up, loaded.normalise, loaded.points) == ("y", "unit_sphere", None)


def test_the_number_of_neighbours_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    usual = opened(crosspoint(), path)
    told = named_encoder(f"{path}:k=5", seed=0)
    assert isinstance(told.encoder, DGCNN)
    assert told.encoder.k == 5
    assert told.sha256 != usual.sha256
    assert "5 neighbours" in told.report
    with pytest.raises(UsageError, match="for a DGCNN"):
        named_encoder("untrained:PointNetLite:32:k=5", seed=0)


def test_names_of_one_tensor_have_to_agree(tmp_path: Path) -> None:
    state = {**crosspoint(), "bn3.weight": torch.zeros(128)}
    assert "conv3.1.weight" in refusal(state, tmp_path / "x.pth")


# ---- PointNet and PointNeXt


@pytest.mark.parametrize("prefix", ["", "module.", "online_network."])
def test_a_pointnet(prefix: str, tmp_path: Path) -> None:
    state = pointnet()
    loaded = opened(prefixed({**state, **classifier()}, prefix), tmp_path / "x.pth")
    assert isinstance(loaded.encoder, PointNet)
    assert holds(loaded, state)
    assert (loaded.encoder.embedding_size(), loaded.up) == (D, "y")


def test_a_pointnext_of_openpoints(tmp_path: Path) -> None:
    state = openpoints()
    value = {"model": state, "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}}, "epoch": 600, "best_val": 93.0}
    loaded = opened(value, tmp_path / "ckpt_best.pth")
    assert isinstance(loaded.encoder, PointNeXt)
    assert (loaded.encoder.embedding_size(), loaded.encoder.height, loaded.up) == (64, False, "y")
    assert "OpenPoints" in loaded.report
    assert "prediction.head (2)" in loaded.report
    own = loaded.encoder.state_dict()
    assert torch.equal(
        own["stages.2.network.1.linear.weight"], state["encoder.encoder.3.0.convs.1.0.weight"][..., 0, 0]
    )
    assert torch.equal(own["last.0.norm.running_var"], state["encoder.encoder.5.0.convs.0.1.running_var"])
    assert torch.equal(own["stages.0.skip.bias"], state["encoder.encoder.1.0.skipconv.0.bias"])
    assert torch.isfinite(loaded.encoder(torch.rand(1, 64, 3))).all()


def test_other_pointnexts_are_refused(tmp_path: Path) -> None:
    assert "heights" in refusal({"model": openpoints(inputs=4)}, tmp_path / "x.pth")
    deeper = {**openpoints(), "encoder.encoder.1.1.convs.convs.0.0.weight": torch.zeros(8, 11, 1, 1)}
    assert "encoder.1.1.convs" in refusal({"model": deeper}, tmp_path / "x.pth")


def test_our_own_pointnext_without_a_header(tmp_path: Path) -> None:
    for height in (True, False):
        own = PointNeXt(d=32, channels=6, height=height)
        loaded = opened(own.state_dict(), tmp_path / "x.pth")
        assert loaded.encoder.arguments == own.arguments
        assert loaded.up == "z"


# ---- what is refused


VIT = {"blocks.blocks.0.attn.qkv.weight": torch.zeros(9, 3), "encoder.first_conv.0.weight": torch.zeros(3, 3, 1)}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"base_model": prefixed(VIT, "module.MAE_encoder.")}, "Point-MAE"),
        ({"base_model": prefixed(VIT, "module.transformer_q.")}, "Point-BERT"),
        ({"base_model": {"blocks.blocks.3.attn.qkv.weight": torch.zeros(9, 3)}}, "Point-MAE"),
        (
            {
                "model_state_dict": {"sa1.mlp_convs.0.weight": torch.zeros(64, 6, 1, 1)},
                "epoch": 3,
                "instance_acc": np.mean([0.5]),
            },
            "a PointNet++",
        ),
        ({"model_state_dict": {"sa1.conv_blocks.0.0.weight": torch.zeros(32, 6, 1, 1)}}, "a PointNet++"),
        (
            {"model_state_dict": {"feat.stn.conv1.weight": torch.zeros(64, 3, 1)}},
            "a PointNet with transformer networks",
        ),
        ({**crosspoint(), "conv6.0.weight": torch.zeros(D, 192, 1)}, "a DGCNN for segmentation"),
    ],
)
def test_other_networks_are_refused_by_name(value: Any, name: str, tmp_path: Path) -> None:
    message = refusal(value, tmp_path / "x.pth")
    assert f"holds {name}" in message or name in message
    assert "PointNetLite" in message
    assert is_of_points(read_weights(tmp_path / "x.pth"))


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    def changed(**changes: Tensor | None) -> str:
        state = {**without_head(crosspoint()), **{name.replace("__", "."): each for name, each in changes.items()}}
        return refusal({name: each for name, each in state.items() if each is not None}, tmp_path / "x.pth")

    assert "conv2.0.weight" in changed(conv2__0__weight=None)
    assert "conv5.0.weight" in changed(conv5__0__weight=None)
    assert "conv3.0.weight" in changed(conv3__0__weight=torch.zeros(128, 99, 1, 1))
    assert "attention.query" in changed(attention__query=torch.zeros(3))
    assert "NaN" in changed(conv4__0__weight=torch.full((256, 256, 1, 1), torch.nan))
    assert "channels" in changed(conv1__0__weight=torch.zeros(64, 18, 1, 1))
    assert "target network only" in refusal(prefixed(crosspoint(), "target_network."), tmp_path / "x.pth")
    both = {**prefixed(crosspoint(), "left."), **prefixed(crosspoint(), "right.", shift=1.0)}
    assert re.search("several different encoders.*left.*right", refusal(both, tmp_path / "x.pth"))


def test_images_and_sounds_are_no_shapes(tmp_path: Path) -> None:
    for state in (
        {"conv1.weight": torch.zeros(64, 3, 7, 7), "fc.weight": torch.zeros(10, 512)},
        {"conv1.0.weight": torch.zeros(64, 1, 3, 3), "fc1.0.weight": torch.zeros(3, 3)},
        {"features.0.weight": torch.zeros(64, 1, 3, 3)},
    ):
        refusal(state, tmp_path / "x.pth")
        assert not is_of_points(read_weights(tmp_path / "x.pth"))
