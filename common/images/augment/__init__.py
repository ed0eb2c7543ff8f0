"""Augmentations of pictures (B, 3, H, W) in [0, 1]: batched, on the device, one draw a picture.

All compute in float32, return the dtype they were given and keep values in [0, 1]. None reads a tensor on the host
on a GPU; on a CPU a picture that is left as it is costs nothing.
"""
