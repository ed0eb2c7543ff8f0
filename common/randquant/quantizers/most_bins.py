"""The most bins of a quantizer."""

MOST_BINS = 2**16  # finer bins change values by less than a 16-bit sample resolves, at the memory of their cuts
