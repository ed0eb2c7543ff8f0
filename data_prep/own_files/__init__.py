"""A user's own files: recordings, meshes and point clouds, with or without a table of labels."""
