"""Evaluation of encoders of tables, beside raw columns and boosted trees."""
