"""Embed the rows of a prepared table."""

import numpy as np
import pyarrow as pa

import randquant
from randquant.cli.counted import counted
from randquant.cli.progress import batch_progress
from randquant.cli.terminal import say
from randquant.data.store import Store
from randquant.embedding.embedding_table import write_table
from randquant.errors import DataError, UsageError
from randquant.inference import in_force, inference
from randquant.probes.classifier_file import load_classifier
from randquant.scripts.embedding.settings import Embedding
from randquant.tables.encoders.weights import named_encoder
from randquant.tables.evaluation.evaluate import frozen
from randquant.tables.stored_table import block_sizes
from randquant.training.processes.device import named_device


def embed_rows(settings: Embedding) -> list[tuple[str, str]]:
    """Embed the rows of a store into a table: path, label (or the classifier's columns) and embedding.

    Returns:
        Nothing: a store holds no rows that cannot be read.

    Raises:
        DataError: the input is no store of a table, or of another one; the classifier is of another encoder; an
            embedding is not finite.
        UsageError: the table is to be appended to.
    """
    source, checkpoint, out = settings.input, settings.checkpoint, settings.out
    if settings.append:
        raise UsageError("--append adds files, and the rows of a table are embedded as a whole; leave it out.")
    if not Store.exists(source):
        raise DataError(
            f"{source} is no store, and an encoder of tables reads rows of numbers as they were prepared for its "
            "training; give --input the folder that python -m scripts.prepare table wrote."
        )
    store = Store.open(source, kind="tables")
    loaded = named_encoder(checkpoint, settings.seed, blocks=block_sizes(store))
    device = named_device(settings.device)
    loaded.precision = in_force(settings.precision, device)
    say(f"{checkpoint}: {loaded.report}")
    saved = load_classifier(settings.classify) if settings.classify else None
    if saved is not None:
        saved.require(loaded.sha256, {"columns": loaded.columns or []})
    rows = frozen(loaded, store, device)
    batches = np.array_split(np.arange(len(store)), -(-len(store) // rows.batch_size))
    shown = batch_progress(map(rows.read, batches), label="embedding", unit="rows", total=len(store), initial=0)
    with inference():
        vectors = np.concatenate([rows.encode(batch).float().cpu().numpy() for batch in shown])
    if not np.isfinite(vectors).all():
        raise DataError(f"{checkpoint} gives embeddings that are not finite for rows of {source}; give another one.")
    columns = {"path": pa.array(store.column("path"), pa.string())}
    if saved is not None:
        columns |= saved.columns(vectors)
    elif any(label is not None for label in store.column("label")):
        columns["label"] = pa.array(store.column("label"), pa.string())
    about = {"checkpoint": checkpoint, "report": loaded.report, "sha256": loaded.sha256, "store": store.content_hash}
    about["precision"] = loaded.precision
    answered = {"classifier": saved.provenance()} if saved else {}
    out.parent.mkdir(parents=True, exist_ok=True)
    write_table(out, columns, vectors, {"randquant": randquant.__version__, **about, **answered})
    say(f"{out}: {counted(len(vectors), 'rows')} of {vectors.shape[1]} numbers")
    return []
