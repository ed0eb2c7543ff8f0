"""Data on disk: stores and features."""
