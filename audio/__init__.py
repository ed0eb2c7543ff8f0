"""Sound: waveform (B, T) at 16 kHz -> log-mel (B, 1, F, T) -> embedding (B, D)."""
