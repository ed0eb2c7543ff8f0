"""What scripts.reproduce does: rows and trainings again, and what differs."""
