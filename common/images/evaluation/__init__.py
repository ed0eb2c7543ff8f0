"""Frozen encoders of pictures on labelled stores."""
