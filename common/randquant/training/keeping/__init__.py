"""Which weights a training that began with others hands over: between its start and its end, by a signal."""
