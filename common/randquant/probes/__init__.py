"""What is asked of frozen features: one file a probe, each `evaluate(features) -> numbers`."""
