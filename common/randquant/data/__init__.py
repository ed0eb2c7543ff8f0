"""Data on disk: stores, features, embedding tables."""
