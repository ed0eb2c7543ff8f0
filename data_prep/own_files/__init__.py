"""Files of one's own: recordings, meshes and clouds, with or without a table of labels."""
