"""Encoders of rows of a table."""
