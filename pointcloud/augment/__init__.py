"""Augmentations of clouds (B, N, C), coordinates first: batched, on the device, one draw a cloud.

| what | where | normals |
|---|---|---|
| `RandomScale` | scale.py | stay |
| `RandomAnisotropicScale` | scale.py | follow by the inverse transpose, keeping their length |
| `RandomTranslation` | translation.py | stay |
| `RandomJitter` | jitter.py | stay |
| `RandomRotation`, `RandomRotationPerturbation` | rotation.py | turn along |
| `RandomShear` | shear.py | follow by the inverse transpose, keeping their length |
| `RandomElastic` | elastic.py | follow by the inverse transpose, keeping their length |
| `RandomDropout`, `RandomCrop`, `RandomCutout` | dropping.py | go with their points |
| `RandomResample` | resample.py | go with their points |
| `CloudOneOf`, `CloudSometimes`, `CloudInTurn` | one_of.py | as the operation that is chosen |
| `PointQuantization` | quantize.py | quantized on their own |

Scales and rotations are about the origin, the centre of a cloud as stored. Lengths are in the units of the cloud, in a
store radii of its unit sphere.
"""
