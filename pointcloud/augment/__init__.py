"""Augmentations of clouds (B, N, C), coordinates first: batched, on the device, one draw a cloud.

| what | where | normals |
|---|---|---|
| `RandomScale` | scale.py | stay |
| `RandomAnisotropicScale` | scale.py | follow by the inverse transpose, keeping their length |
| `RandomTranslation` | translation.py | stay |
| `RandomJitter` | jitter.py | stay |
| `RandomRotation`, `RandomRotationPerturbation` | rotation.py | turn along |
| `RandomDropout`, `RandomCrop`, `RandomCutout` | dropping.py | go with their points |
| `RandomResample` | resample.py | go with their points |
| `PointQuantization` | quantize.py | quantized on their own |

Scales and rotations are about the origin, the centre of a cloud as stored. Lengths are in the units of the cloud, in a
store radii of its unit sphere.
"""
