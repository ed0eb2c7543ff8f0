"""Files to a table of embeddings."""
