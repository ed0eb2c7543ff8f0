"""Classifiers of clean items asked about changed ones."""
