"""What a folder holds, before hours are spent on it."""
