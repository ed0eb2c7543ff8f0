"""WAV: its header held against its bytes, and odd forms of it."""
