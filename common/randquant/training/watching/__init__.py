"""What is watched while a training runs: the measures of a step, accuracy on a labelled store, broken numbers."""
