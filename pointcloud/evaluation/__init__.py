"""Evaluation of point cloud encoders: protocols, probes, robustness, fine-tuning."""
