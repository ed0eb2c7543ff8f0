"""What fits linear layers and linear SVMs, many at a time."""
