"""`scripts.embed` on recordings of ten seconds and on meshes, against the loops that one would write by hand."""

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor, nn

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.encoders.audio_ntt import AudioNTT2020
from randquant.audio.encoders.weights import save_encoder as save_sound
from randquant.audio.ready_encoder import USUAL_STATISTICS
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.normalised_log_mel import NormalisedLogMel
from randquant.data_prep.synthetic.shapes.off import write_off
from randquant.data_prep.synthetic.solids.families import FAMILIES, draw_shape, numpy_generator
from randquant.data_prep.synthetic.solids.solid import joined
from randquant.data_prep.synthetic.sounds.events import EVENTS, synthesize_event
from randquant.data_prep.synthetic.tree import torch_generator, write_sound
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.encoders.weights import save_encoder as save_shapes
from randquant.scripts.embed import embed
from randquant.scripts.embedding.settings import Embedding
from randquant.scripts.measuring.pair import Pair

FILES = 100  # recordings and meshes where none are asked for
SECONDS, RATE, DRAWN = 10, 44_100, 20  # of the recordings, of which so many differ
POINTS = 1024
BATCH = 32
Read = Callable[[Path], Tensor]


def embeddings(device: str, files: int = FILES) -> Iterator[Pair]:
    """From files to vectors: the command, which also writes its table, beside a loop of one at a time, and of 32."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _pairs(Path(folder), recordings(Path(folder), files), "recordings of 10 s", device)
        try:
            import trimesh  # noqa: F401
        except ImportError:
            print("embed: meshes are left out, trimesh is missing; pip install trimesh.")
            return
        yield from _pairs(Path(folder), meshes(Path(folder), files), "meshes", device)


class Loop:
    """What one writes by hand.

    Args:
        checkpoint: file of the encoder, for the command.
        files: to embed.
        read: a file to what is stacked.
        network: (B, ...) to vectors (B, D).
    """

    def __init__(self, checkpoint: Path, files: Sequence[Path], read: Read, network: nn.Module) -> None:
        self.checkpoint, self.files, self.read, self.network = checkpoint, files, read, network.eval()

    def vectors(self, size: int, device: str) -> Tensor:
        """(N, D), `size` files at a time."""
        network, files = self.network.to(device), self.files
        parts = [files[first : first + size] for first in range(0, len(files), size)]
        with torch.inference_mode():
            found = [network(torch.stack([*map(self.read, part)]).to(device)).cpu() for part in parts]
        return torch.cat(found)


def recordings(folder: Path, items: int) -> Loop:
    """Events of ten seconds as 16-bit WAV files of 44.1 kHz; soundfile, soxr, the log-mel and AudioNTT2020-2048."""
    torch.manual_seed(0)
    encoder, files = AudioNTT2020(d=2048), [folder / "recordings" / f"{number:05}.wav" for number in range(items)]
    names = [*EVENTS]
    for number, file in enumerate(files):
        if number < DRAWN:
            generator = torch_generator(0, number)
            sound = synthesize_event(EVENTS[names[number % len(names)]], SECONDS, rate=RATE, generator=generator)
            write_sound(file, sound, rate=RATE)
        else:
            file.write_bytes(files[number % DRAWN].read_bytes())
    mean, std = USUAL_STATISTICS
    checkpoint = folder / "sound.safetensors"
    save_sound(checkpoint, encoder, front_end=FrontEnd(), mean=mean, std=std, metadata={})
    return Loop(checkpoint, files, read_sound, nn.Sequential(NormalisedLogMel(FrontEnd(), mean, std), encoder))


def meshes(folder: Path, items: int) -> Loop:
    """Solids of some hundred triangles as OFF files; trimesh, points at random from the surface, and PointNetLite."""
    torch.manual_seed(0)
    encoder, files = (
        PointNetLite(d=256),
        [folder / "meshes" / f"{number:05}.off" for number in range(items)],
    )
    (folder / "meshes").mkdir()
    for file, family in zip(files, _repeated(FAMILIES), strict=False):
        write_off(file, joined(draw_shape(family, generator=numpy_generator(0, file.name)).values()))
    checkpoint = folder / "shapes.safetensors"
    save_shapes(checkpoint, encoder, points=POINTS, metadata={})
    return Loop(checkpoint, files, read_mesh, encoder)


def read_sound(file: Path) -> Tensor:
    """(T,) at 16 kHz."""
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    return torch.from_numpy(soxr.resample(samples.mean(axis=1), rate, SAMPLE_RATE))


def read_mesh(file: Path) -> Tensor:
    """(1024, 3) points of the surface in the unit sphere."""
    import trimesh

    points = np.asarray(trimesh.load_mesh(file, process=False).sample(POINTS), dtype=np.float32)
    points -= points.mean(axis=0)
    return torch.from_numpy(points / np.linalg.norm(points, axis=1).max())


def _pairs(folder: Path, loop: Loop, what: str, device: str) -> Iterator[Pair]:
    tables = (folder / f"{loop.checkpoint.stem}-{number}.parquet" for number in count())
    items = len(loop.files)
    for size, name in ((1, "a loop, one at a time"), (BATCH, f"a loop, {BATCH} at a time")):
        yield Pair(
            f"embed {items:,} {what}",
            lambda: embedded(loop, next(tables), device),
            partial(loop.vectors, size, device),
            name,
            items,
            warm_up=items <= FILES,  # of more, the first ones are few enough
        )


def embedded(loop: Loop, out: Path, device: str) -> None:
    """What the command does, without its lines."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        embed(Embedding(str(loop.checkpoint), loop.files[0].parent, out, device=device))


def _repeated(names: Iterable[str]) -> Iterator[str]:
    known = [*names]
    return (known[number % len(known)] for number in count())
