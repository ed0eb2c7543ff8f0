"""The sections of a report, one a file: each is made of the same compared encoders."""
