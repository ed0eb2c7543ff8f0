"""Single files: atomic writes, locks, CSV, and lists of unreadable files."""
