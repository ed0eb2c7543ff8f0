"""Encoders of sound in the evaluation kits of others, and modules of theirs in the probes here."""
