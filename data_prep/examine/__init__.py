"""Examination of a dataset's folder before it is prepared."""
