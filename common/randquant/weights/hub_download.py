"""Encoders of the Hugging Face Hub: `hf://owner/name[@revision]` -> a folder of the Hub's cache.

Of a repository config.json and model.safetensors are fetched and nothing else, so nothing of it can be executed.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from randquant.errors import DataError, UsageError, one_line
from randquant.extras import needs
from randquant.weights.published_config import CONFIG, WEIGHTS

PREFIX = "hf://"
FILES = (CONFIG, WEIGHTS)
_NAME = re.compile(r"(?P<repository>[\w-][\w.-]*/[\w-][\w.-]*)(@(?P<revision>[\w-][\w./-]*))?", re.ASCII)
_TAKEN = "hf://owner/name, or hf://owner/name@revision with a branch, a tag or a commit"


class HubAddress(NamedTuple):
    """A repository, `owner/name`, and a branch, tag or commit of it; None means the main branch."""

    repository: str
    revision: str | None


def hub_address(name: str) -> HubAddress:
    """The repository that `hf://owner/name[@revision]` says.

    Raises:
        UsageError: it says none.
    """
    found = _NAME.fullmatch(name.removeprefix(PREFIX))
    if found is None or ".." in name:
        raise UsageError(f"{name} is no address of the Hub; write {_TAKEN}.")
    return HubAddress(found["repository"], found["revision"])


def endpoint() -> str | None:
    """Of the Hub, where HF_ENDPOINT names another one."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def downloaded(name: str) -> Path:
    """The folder of the cache that holds an encoder of the Hub, downloaded where it is not yet there.

    Without a network, or with HF_HUB_OFFLINE=1, it is what was downloaded before. HF_HOME, HF_HUB_CACHE, HF_TOKEN and
    HF_ENDPOINT are respected.

    Raises:
        DataError: it cannot be reached, does not exist, is not open to you, or has no model.safetensors.
        UsageError: the name is no address.
        ImportError: huggingface_hub is not installed.
    """
    address = hub_address(name)
    with needs("hub"):
        import huggingface_hub
        from huggingface_hub import errors
    try:
        folder = huggingface_hub.snapshot_download(
            address.repository, revision=address.revision, allow_patterns=list(FILES), endpoint=endpoint()
        )
    except errors.RevisionNotFoundError:
        raise DataError(f"{name}: the repository has no revision {address.revision}; check its branches.") from None
    except errors.GatedRepoError:
        raise DataError(
            f"{name}: its owner gives access on request; ask on its page, then log in (hf auth login)."
        ) from None
    except errors.RepositoryNotFoundError:
        raise DataError(
            f"{name}: there is no such repository, or it is private; check the name, or log in (hf auth login)."
        ) from None
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        raise DataError(
            f"{name} is not in the cache and the Hub cannot be reached; connect (HF_HUB_OFFLINE and HF_ENDPOINT are "
            "respected), or copy the folder and give its path."
        ) from None
    except (errors.HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{name} could not be downloaded ({one_line(error)[:200]}); try again.") from None
    return _whole(name, Path(folder))


def _whole(name: str, folder: Path) -> Path:
    if not (folder / WEIGHTS).is_file():
        raise DataError(
            f"{name} has no {WEIGHTS}; only safetensors are read, since other files of weights can execute code."
        )
    return folder
