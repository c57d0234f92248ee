"""Where data sets lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from neurosparse.data.idx import ENVIRONMENT
from neurosparse.errors import DataError

__all__ = ["find_data"]


def find_data(*parts: str) -> Path:
    """Find a file or folder of a data set.

    Looked at are the folder in the environment variable ``NEUROSPARSE_DATA``, then
    ``../shared/data`` beside the current directory and beside a checkout.

    Parameters
    ----------
    *parts : str
        Path below that folder, such as ``"connectomes", "c-elegans"``.

    Returns
    -------
    Path
        It exists.

    Raises
    ------
    DataError
        If it does not, with every place that was looked at.
    """
    roots = [Path.cwd().parent / "shared" / "data"]
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        roots.append(checkout.parent / "shared" / "data")
    if os.environ.get(ENVIRONMENT):
        roots.insert(0, Path(os.environ[ENVIRONMENT]))
    places = list(dict.fromkeys(root.joinpath(*parts) for root in roots))
    for place in places:
        if place.exists():
            return place
    looked = "\n".join(f"  - {place}" for place in places)
    raise DataError(
        f"{'/'.join(parts)}: not found; looked for\n{looked}\n"
        f"set {ENVIRONMENT} to the folder that holds it"
    )
