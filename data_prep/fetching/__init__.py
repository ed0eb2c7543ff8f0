"""Download and safe unpacking."""
