"""Point cloud encoders and their weights."""
