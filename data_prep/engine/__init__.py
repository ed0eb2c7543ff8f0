"""From a plan of files to a store: in parallel, resumable, within a budget of memory."""
