"""What scripts.embed does for each modality."""
