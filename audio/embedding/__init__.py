"""Recordings of any length to vectors: windows, batches, frames, tables."""
