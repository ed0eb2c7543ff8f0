"""Embed recordings, pictures, meshes, point clouds or the rows of a table: from files to one table of embeddings.

    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out embeddings.parquet
    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out windows.parquet --window 1
    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out frames.parquet --frames
    python -m scripts.embed --checkpoint RUN --input PICTURES --out embeddings.parquet
    python -m scripts.embed --checkpoint RUN --input MESHES --out embeddings.parquet --up y
    python -m scripts.embed --checkpoint RUN --input CLOUDS --out embeddings.parquet --clouds
    python -m scripts.embed --checkpoint RUN --input RECORDINGS --out labels.parquet --classify tones.safetensors
    python -m scripts.embed --checkpoint RUN --input CLOUDS --out embeddings.parquet --clouds --points any
    python -m scripts.embed --checkpoint RUN --input STORE --out embeddings.parquet      # as prepare table wrote it

The checkpoint's modality, sound, pictures, point clouds or tables, decides what is embedded. The first writes one row
per recording (or window) with the columns path, start, end, seconds, embedding, and prints

    embeddings.parquet: 3,000 rows of 2048 numbers from 3,000 recordings, 0 skipped

For pictures (JPEG, PNG, WebP, ...) the columns are path, height, width, embedding; for meshes (OFF, PLY, OBJ, STL,
glTF) and point clouds (NPY, PLY, PCD, LAS, E57, XYZ, ...) path, points, embedding. Read a table with
`pyarrow.parquet.read_table("embeddings.parquet")`, pandas, polars or DuckDB. `--out NAME.npy` writes the vectors as a
NumPy array and NAME.rows.csv beside it, `--out NAME.csv` one CSV file; `--append` adds the files that a table lacks.
"""

from randquant.cli.command import run
from randquant.cli.terminal import say
from randquant.kept_memory import keep_freed_memory
from randquant.scripts.embedding.settings import OF_SHAPES, OF_SOUND, Embedding, check, refuse

_SHOWN = 20  # skipped files printed; the table's metadata has them all


def embed(settings: Embedding) -> None:
    """Embed every recording, picture, mesh or point cloud below a folder, or every row of a table."""
    from randquant.loading.modalities import modality_of  # late, as all below, since it loads torch

    check(settings)
    keep_freed_memory()
    modality = modality_of(settings.checkpoint, settings.seed)
    from randquant.scripts.embedding.destination import Destination

    with Destination(settings.out, settings.append).alone():
        skipped = _embedded(settings, modality)
    for path, reason in skipped[:_SHOWN]:
        say(f"skipped {path}: {reason}")
    if len(skipped) > _SHOWN:
        say(f"… and {len(skipped) - _SHOWN:,} more; the table's metadata lists them all")


def _embedded(settings: Embedding, modality: str) -> list[tuple[str, str]]:
    """Embed with an encoder of this modality; paths and reasons of the files that could not be read."""
    if modality == "points":
        refuse(settings, OF_SOUND, "is an encoder of point clouds, so there are no recordings")
        from randquant.scripts.embedding.shapes import embed_shapes

        return embed_shapes(settings)
    if modality == "images":
        refuse(settings, (*OF_SOUND, *OF_SHAPES), "is an encoder of pictures, so there are no recordings or shapes")
        from randquant.scripts.embedding.pictures import embed_pictures

        return embed_pictures(settings)
    if modality == "tables":
        refuse(settings, (*OF_SOUND, *OF_SHAPES), "is an encoder of tables, so there are no recordings or shapes")
        from randquant.scripts.embedding.rows import embed_rows

        return embed_rows(settings)
    refuse(settings, OF_SHAPES, "is an encoder of sound, so there are no shapes")
    from randquant.scripts.embedding.recordings import embed_recordings

    return embed_recordings(settings)


if __name__ == "__main__":
    raise SystemExit(run(embed, description=__doc__))
