"""Where data sets lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from neurosparse.errors import DataError

__all__ = ["ENVIRONMENT", "data_folders", "environment_folder", "find_data"]

ENVIRONMENT = "NEUROSPARSE_DATA"


def data_folders() -> list[Path]:
    """Return the folders of data sets in the order of search; not all of them need exist.

    They are the folder in the environment variable ``NEUROSPARSE_DATA``, then ``../shared/data``
    beside the current directory and beside a checkout.
    """
    folders = [Path.cwd().parent / "shared" / "data"]
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        folders.append(checkout.parent / "shared" / "data")
    own = environment_folder()
    return list(dict.fromkeys(folders if own is None else [own, *folders]))


def environment_folder() -> Path | None:
    """Return the folder in the environment variable ``NEUROSPARSE_DATA``, or None."""
    given = os.environ.get(ENVIRONMENT)
    return Path(given) if given else None


def find_data(*parts: str) -> Path:
    """Find a file or folder of a data set.

    Parameters
    ----------
    *parts : str
        Path below one of `data_folders`, such as ``"connectomes", "c-elegans"``.

    Returns
    -------
    Path
        It exists.

    Raises
    ------
    DataError
        If it does not, with every place that was looked at.
    """
    places = [folder.joinpath(*parts) for folder in data_folders()]
    for place in places:
        if place.exists():
            return place
    looked = "\n".join(f"  - {place}" for place in places)
    raise DataError(
        f"{'/'.join(parts)}: not found; looked for\n{looked}\n"
        f"set {ENVIRONMENT} to the folder that holds it"
    )
