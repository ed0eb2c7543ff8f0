"""The encoders of point clouds by name."""

from pointcloud.dgcnn import DGCNN
from pointcloud.point_encoder import PointEncoder
from pointcloud.pointnet import PointNet
from pointcloud.pointnet_lite import PointNetLite
from pointcloud.pointnext import PointNeXt

ENCODERS: dict[str, type[PointEncoder]] = {
    encoder.__name__: encoder for encoder in (PointNetLite, PointNet, DGCNN, PointNeXt)
}

__all__ = ["ENCODERS", "PointEncoder"]
