"""Probes of frozen features, one module per probe: `evaluate(features, settings, *, seed, device) -> Outcome`."""
