"""A trained encoder as a repository of the Hub: weights, config.json and a model card."""
