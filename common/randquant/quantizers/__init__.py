"""What randomized quantization is made of: its bins, and what it takes."""
