"""The processes and devices of a training: started, watched, stopped together."""
