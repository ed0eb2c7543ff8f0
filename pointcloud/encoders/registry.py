"""The encoders of point clouds by name."""

from pointcloud.encoders.dgcnn import DGCNN
from pointcloud.encoders.point_encoder import PointEncoder
from pointcloud.encoders.pointnet import PointNet
from pointcloud.encoders.pointnet_lite import PointNetLite
from pointcloud.encoders.pointnext import PointNeXt

ENCODERS: dict[str, type[PointEncoder]] = {
    encoder.__name__: encoder for encoder in (PointNetLite, PointNet, DGCNN, PointNeXt)
}

__all__ = ["ENCODERS", "PointEncoder"]
