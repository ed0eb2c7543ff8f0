"""What is asked of frozen features: one file a probe, `evaluate(features, settings, *, seed, device) -> Outcome`."""
