"""Data sets by name."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Literal, overload

from neurosparse.data.dataset import ImageDataset
from neurosparse.data.digits import load_digits
from neurosparse.data.event_dataset import EventDataset
from neurosparse.data.idx import holds_idx, load_idx
from neurosparse.data.nmnist import find_nmnist, load_nmnist
from neurosparse.errors import DataError, ParameterError

__all__ = ["load_dataset"]

_IDX_NAMES = ("mnist", "fashion-mnist")
_NMNIST_NAMES = {"nmnist": None, "nmnist-small": "nmnist-small"}  # the only subfolder to look in


@overload
def load_dataset(
    name: Literal["digits", "mnist", "fashion-mnist"], *, seed: int = ..., progress: bool = ...
) -> tuple[ImageDataset, ImageDataset]: ...


@overload
def load_dataset(
    name: Literal["nmnist", "nmnist-small"], *, seed: int = ..., progress: bool = ...
) -> tuple[EventDataset, EventDataset]: ...


@overload
def load_dataset(
    name: str | PathLike[str], *, seed: int = ..., progress: bool = ...
) -> tuple[ImageDataset, ImageDataset] | tuple[EventDataset, EventDataset]: ...


def load_dataset(
    name: str | PathLike[str], *, seed: int = 0, progress: bool = False
) -> tuple[ImageDataset, ImageDataset] | tuple[EventDataset, EventDataset]:
    """Load a data set by name, or from a folder with IDX files or N-MNIST.

    Parameters
    ----------
    name : str or path
        ``digits``, ``mnist``, ``fashion-mnist``, ``nmnist`` (the subset where the whole is not
        found), ``nmnist-small``, or the path of a folder with four IDX files or with N-MNIST in one
        of the layouts of `load_nmnist`. A name wins over a folder of the same name; write
        ``./mnist`` for the folder.
    seed : int
        Of the split of ``digits``; the others come split.
    progress : bool
        Show a bar on stderr while recordings are read, if tqdm is installed.

    Returns
    -------
    train, test : ImageDataset or EventDataset

    Raises
    ------
    ParameterError
        If it is neither a name nor a folder.
    DataError
        If files are missing or damaged (see `load_idx`, `load_nmnist`).
    BackendMissingError
        If ``digits`` is wanted and scikit-learn is not installed, or N-MNIST and tonic is not.
    """
    if name == "digits":
        return load_digits(seed)
    if name in _IDX_NAMES:
        return load_idx(name=str(name))
    if name in _NMNIST_NAMES:
        return load_nmnist(name=_NMNIST_NAMES[str(name)], progress=progress)
    folder = Path(name)
    if not folder.is_dir():
        raise ParameterError(
            f"data set: got {str(name)!r}; allowed is digits, {', '.join(_IDX_NAMES)}, "
            f"{', '.join(_NMNIST_NAMES)}, or an existing folder with IDX files or N-MNIST"
        )
    own_name = folder.resolve().name
    if holds_idx(folder) or holds_idx(folder / own_name):
        return load_idx(folder, own_name)
    if find_nmnist(folder) is not None:
        return load_nmnist(folder, own_name, progress=progress)
    raise DataError(
        f"{folder}: no IDX files in it, nor recordings of N-MNIST; load_idx and load_nmnist say "
        "what they look like, and load_event_folder reads recordings of other cameras"
    )
