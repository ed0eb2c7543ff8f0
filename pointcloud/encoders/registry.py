"""The encoders of point clouds by name. A new one needs a line here: flags, weights, embedding and probes follow."""

from typing import TYPE_CHECKING, Literal

from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from randquant.pointcloud.encoders.point_encoder import PointEncoder

ENCODERS: LateRegistry["type[PointEncoder]"] = LateRegistry(
    "randquant.pointcloud.encoders",
    {
        "PointNetLite": "pointnet_lite:PointNetLite",
        "PointNet": "pointnet:PointNet",
        "DGCNN": "dgcnn:DGCNN",
        "PointNeXt": "pointnext:PointNeXt",
    },
)
if TYPE_CHECKING:
    EncoderName = str
else:
    EncoderName = Literal[tuple(ENCODERS)]
