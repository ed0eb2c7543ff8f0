"""What is asked of a point-cloud encoder: protocols, probes, robustness, fine-tuning."""
