"""Studies: many trainings that differ in one thing each, of any modality, and what they say together."""
