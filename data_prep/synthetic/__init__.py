"""Small synthetic datasets in the directory layout of the real ones, to try everything without a download.

Layout and metadata are exact: names, columns, lists, and the oddities that real copies have (mixed formats, absent
clips, macOS metadata files). The sounds (`sounds`) and shapes (`solids`) depend on the label, so that a probe
can learn it. What the same call wrote before is kept, so that each can be stopped and repeated; a folder
written in another way is refused (DataError).

The `write_published_…` write as many items as are published, a hundredth of a second of noise each, to measure what
that many items cost.
"""

from data_prep.synthetic.audioset import write_audioset, write_published_audioset
from data_prep.synthetic.fsd50k import write_fsd50k
from data_prep.synthetic.modelnet import (
    write_modelnet,
    write_modelnet_dat,
    write_modelnet_h5,
    write_modelnet_txt,
    write_published_modelnet,
)
from data_prep.synthetic.nsynth import write_nsynth, write_published_nsynth
from data_prep.synthetic.scanobjectnn import write_scanobjectnn
from data_prep.synthetic.shapenet import write_shapenet55, write_shapenetpart
from data_prep.synthetic.sounds.notes import FAMILIES
from data_prep.synthetic.speech_commands import write_published_speech_commands, write_speech_commands
from data_prep.synthetic.us8k import write_published_us8k, write_us8k
from data_prep.synthetic.voxceleb1 import write_published_voxceleb1, write_voxceleb1
from data_prep.synthetic.voxforge import write_published_voxforge, write_voxforge

__all__ = [
    "FAMILIES",
    "write_audioset",
    "write_fsd50k",
    "write_modelnet",
    "write_modelnet_dat",
    "write_modelnet_h5",
    "write_modelnet_txt",
    "write_nsynth",
    "write_published_audioset",
    "write_published_modelnet",
    "write_published_nsynth",
    "write_published_speech_commands",
    "write_published_us8k",
    "write_published_voxceleb1",
    "write_published_voxforge",
    "write_scanobjectnn",
    "write_shapenet55",
    "write_shapenetpart",
    "write_speech_commands",
    "write_us8k",
    "write_voxceleb1",
    "write_voxforge",
]
