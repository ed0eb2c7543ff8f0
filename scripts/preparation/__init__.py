"""What scripts.prepare is made of."""
