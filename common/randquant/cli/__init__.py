"""From a typed function to a command: flags, errors, progress."""
