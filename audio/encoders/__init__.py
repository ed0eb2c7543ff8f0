"""Networks that embed sound, and their weights."""
