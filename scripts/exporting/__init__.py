"""Parts of scripts.export: what is opened, and what of a store goes through it."""
