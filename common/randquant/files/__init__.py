"""Single files: whole or absent, locked, listed where they cannot be read."""
