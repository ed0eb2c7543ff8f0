"""One file a dataset: its layout, splits, counts and labels."""
