"""Made-up sounds that carry a label, for the synthetic datasets; loudness is always drawn independently of it."""
