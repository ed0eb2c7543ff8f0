"""Labelled synthetic shapes: families of objects built from a few kinds of surface."""
