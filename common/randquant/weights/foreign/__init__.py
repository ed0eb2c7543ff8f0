"""Encoders of other people: what a user's own function returns, as any encoder of ours is used."""
