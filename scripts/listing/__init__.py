"""What scripts.runs does: runs below a folder, their settings, states and best numbers."""
