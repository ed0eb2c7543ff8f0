"""Audio files: detecting the format, checking the header against the bytes, and choosing the decoder."""
