"""File formats of meshes and clouds of points, one file a format, and what their readers share."""
