"""What containers of sound say of themselves, held against the file."""
