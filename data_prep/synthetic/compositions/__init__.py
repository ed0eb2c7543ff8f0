"""Made-up shapes without end: random parts, copied in symmetry, put together and bent."""
