"""Picture files: their header, their pixels, and what was changed on the way to 8-bit RGB."""
