"""Readers of mesh and point cloud files, one module per format, and what they share."""
