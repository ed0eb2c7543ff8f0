"""Functions to give a command by name, and to begin from."""
