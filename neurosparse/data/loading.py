"""Data sets by name."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from neurosparse.data.dataset import ImageDataset
from neurosparse.data.digits import load_digits
from neurosparse.data.idx import load_idx
from neurosparse.errors import ParameterError

__all__ = ["load_dataset"]

_IDX_NAMES = ("mnist", "fashion-mnist")


def load_dataset(name: str | PathLike[str], *, seed: int = 0) -> tuple[ImageDataset, ImageDataset]:
    """Load a data set by name, or from a folder with IDX files.

    Parameters
    ----------
    name : str or path
        ``digits``, ``mnist``, ``fashion-mnist``, or the path of a folder with four IDX files. A
        name wins over a folder of the same name; write ``./mnist`` for the folder.
    seed : int
        Of the split of ``digits``; the others come split.

    Returns
    -------
    train, test : ImageDataset

    Raises
    ------
    ParameterError
        If it is neither a name nor a folder.
    DataError
        If files are missing or damaged (see `load_idx`).
    BackendMissingError
        If ``digits`` is wanted and scikit-learn is not installed.
    """
    if name == "digits":
        return load_digits(seed)
    if name in _IDX_NAMES:
        return load_idx(name=str(name))
    folder = Path(name)
    if not folder.is_dir():
        raise ParameterError(
            f"data set: got {str(name)!r}; allowed is digits, {', '.join(_IDX_NAMES)}, or an "
            "existing folder with IDX files"
        )
    return load_idx(folder, folder.resolve().name)
