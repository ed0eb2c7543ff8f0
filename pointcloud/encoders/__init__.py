"""Networks that embed clouds, and their weights."""
