"""What a step does to the weights: optimisers, the rate of every step, and rates that follow the width."""
