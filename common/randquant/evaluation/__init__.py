"""Frozen encoders on labelled stores, for every modality: items -> features -> probes -> results."""
