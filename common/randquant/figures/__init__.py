"""Figures without a window, and galleries of panels."""
