"""Labelled synthetic sounds; loudness is always drawn independently of it."""
