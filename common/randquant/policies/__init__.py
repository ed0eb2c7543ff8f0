"""Policies that draw their operations, and views written in YAML: what every modality shares of both."""
