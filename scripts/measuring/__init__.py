"""How benchmarks are measured, shown, kept and compared."""
