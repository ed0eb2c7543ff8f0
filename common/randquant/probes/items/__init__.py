"""The items a probe fits and scores on: which ones, where they lie, and at what scale."""
