"""Public datasets of pictures, one file each."""
