"""What is asked of an audio encoder: six tasks, and recordings that repeat across a split."""
