"""From a plan of files to a store: parallel, resumable, within a memory budget."""
