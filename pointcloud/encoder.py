"""The encoders of point clouds by name."""

from pointcloud.point_encoder import PointEncoder
from pointcloud.pointnet_lite import PointNetLite

ENCODERS: dict[str, type[PointEncoder]] = {"PointNetLite": PointNetLite}

__all__ = ["ENCODERS", "PointEncoder"]
