"""One module per dataset: its layout, splits, counts and labels."""
