"""Augmentations of normalised log-mel spectrograms (B, 1, F, T): batched, on the device, one draw a sample.

Source: Niizumi et al., BYOL-A (IJCNN 2021) for log-mixup-exp and the random resize crop, BYOL-A v2 (TASLP 2023) for
the random linear fader; Nam et al. (ICASSP 2022) for filters. All compute in float32 and return the dtype they were
given.
"""
