"""Evaluation of audio encoders: six tasks, and recordings repeated across splits."""
