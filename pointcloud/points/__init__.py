"""Points of clouds: their columns, axes, order, distances, and sums over them."""
