"""Files of points."""
