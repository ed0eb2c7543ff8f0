"""Embeddings as a map: places on a plane, colours of labels, and a page where a point says what it is."""
