"""Publish a trained encoder: a folder, or a repository of the Hugging Face Hub, with a model card of its results.

    python -m scripts.publish RUN --out FOLDER --results results/run --licence cc-by-4.0
    python -m scripts.publish RUN --to hf://owner/name --results probe.json results/run

FOLDER gets model.safetensors, config.json and README.md, the model card: how to load it, numbers with protocol and
intervals from the results of probes, training data, recipe, licence and citation. The results have to be of these very
weights (their SHA-256); without any the card says that nothing is claimed. No path of this machine is published. Then

    encoder = randquant.load("hf://owner/name")      # or the folder
    python -m scripts.embed --checkpoint hf://owner/name --input FILES --out vectors.parquet

--to needs `pip install 'randquant[hub]'` and a login (hf auth login); HF_ENDPOINT names another Hub.
"""

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from randquant.cli.command import run
from randquant.cli.first_words import with_flag
from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.weights.hub_download import hub_address


def publish(
    run: Path,
    out: Path | None = None,
    to: str | None = None,
    results: list[Path] | None = None,
    licence: str | None = None,
    private: bool = False,
    message: str = "Publish an encoder of randquant.",
) -> None:
    """Write the folder of a repository, upload it, or both.

    Args:
        run: folder of a finished training, or its encoder.safetensors; may be typed first, without the flag.
        out: folder to write.
        to: repository to upload to, hf://owner/name, or hf://owner/name@branch.
        results: results folders, or JSON files, of probes of this encoder.
        licence: of the weights, as the Hub calls it, such as mit or cc-by-4.0.
        private: make a new repository private.
        message: of the commit.
    """
    if out is None and to is None:
        raise UsageError("give where to publish: --out FOLDER, --to hf://owner/name, or both.")
    address = None if to is None else hub_address(to)
    if out is not None and out.resolve() == (run if run.is_dir() else run.parent).resolve():
        raise UsageError(f"--out {out} is the folder of the run; give another one.")
    from randquant.publishing.publication import publishable, upload  # late: --help does not need torch

    publication = publishable(run, results or [], licence)
    if not results:
        say("There are no --results, so the model card gives no numbers.")
    if licence is None:
        say("There is no --licence, so nobody knows what they may do with the weights.")
    name = address.repository if address else (out or run).resolve().name
    with TemporaryDirectory() as temporary:
        folder = publication.write(out or Path(temporary), name)
        if out is not None:
            say(f"{folder}: model.safetensors, config.json and README.md; randquant.load opens it")
        if address is not None:
            say(f"uploaded: {upload(folder, address, private=private or None, message=message)}")


flagged = partial(with_flag, "run")

if __name__ == "__main__":
    raise SystemExit(run(publish, flagged(sys.argv[1:]), description=__doc__))
