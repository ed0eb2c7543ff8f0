"""Open an encoder with everything it needs: `randquant.load`."""
