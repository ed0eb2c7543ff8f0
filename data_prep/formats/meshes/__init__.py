"""Files of surfaces: triangles and polygons."""
