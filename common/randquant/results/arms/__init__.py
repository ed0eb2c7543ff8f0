"""Arms of a study: the same training with one thing changed, over several seeds, compared in pairs."""
