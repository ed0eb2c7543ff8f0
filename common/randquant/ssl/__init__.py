"""Self-supervised methods, their losses, and measures of collapse."""
