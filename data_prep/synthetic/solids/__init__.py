"""Made-up shapes that carry a label, for the synthetic datasets: families of things, of a few kinds of surface."""
