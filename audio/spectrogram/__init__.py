"""From waveforms to normalised log-mels, and back to sound."""
