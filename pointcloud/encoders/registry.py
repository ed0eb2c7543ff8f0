"""The encoders of point clouds by name. A new one needs a line here: flags, weights, embedding and probes follow."""

from typing import TYPE_CHECKING, Literal

from randquant.pointcloud.encoders.dgcnn import DGCNN
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.pointnet import PointNet
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.encoders.pointnext import PointNeXt

ENCODERS: dict[str, type[PointEncoder]] = {
    "PointNetLite": PointNetLite,
    "PointNet": PointNet,
    "DGCNN": DGCNN,
    "PointNeXt": PointNeXt,
}
if TYPE_CHECKING:
    EncoderName = str
else:
    EncoderName = Literal[tuple(ENCODERS)]
