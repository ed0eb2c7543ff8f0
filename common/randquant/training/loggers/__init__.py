"""Where the numbers of a training go besides log.csv: TensorBoard, Weights & Biases, MLflow, trackio."""
