"""N-MNIST: the digits of MNIST, seen by an event camera that moves in three saccades."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neurosparse.data.event_dataset import EventDataset
from neurosparse.data.event_folders import find_parts, load_event_folder, read_recordings
from neurosparse.data.places import ENVIRONMENT, data_folders, environment_folder
from neurosparse.errors import DataError

__all__ = ["find_nmnist", "load_nmnist"]

SHAPE = (2, 34, 34)  # polarities, height, width
CLASSES = tuple("0123456789")
_SUBFOLDERS = ("nmnist", "NMNIST", "nmnist-small")  # the whole set before the subset


def load_nmnist(
    folder: str | PathLike[str] | None = None, name: str | None = None, *, progress: bool = False
) -> tuple[EventDataset, EventDataset]:
    """Load N-MNIST, whole or in part.

    Two layouts are understood: the published one, ``Train/<digit>/<number>.bin`` and
    ``Test/<digit>/<number>.bin``, and that of SLAYER's subset, files ``<number>.bs2`` with two
    lists of number and label, ``train1K.txt`` and ``test100.txt`` (or another ``train*.txt`` and
    ``test*.txt``). Either may lie in a folder within the folder.

    Parameters
    ----------
    folder : path, optional
        Where the files lie, in it or in a subfolder; then only there is looked. Without it, the
        places are the subfolders ``nmnist``, ``NMNIST`` and ``nmnist-small`` of `data_folders`, in
        this order, and the folder in the environment variable ``NEUROSPARSE_DATA`` itself.
    name : str, optional
        With ``folder``, what the data set is called, by default ``nmnist``. Without, the one
        subfolder to look in; by default the data set is called as the subfolder where it was found.
    progress : bool
        Show a bar on stderr, if tqdm is installed.

    Returns
    -------
    train, test : EventDataset
        Of 2 polarities (0 is darker, 1 is brighter) and 34x34 pixels, ten classes.

    Raises
    ------
    DataError
        If nothing is found, with every place that was looked at; if files or folders are missing or
        empty, a file is truncated, an event lies outside, or a label is none.
    BackendMissingError
        If tonic is not installed.

    References
    ----------
    G. Orchard, A. Jayawant, G. K. Cohen and N. Thakor, Converting Static Image Datasets to Spiking
    Neuromorphic Datasets Using Saccades, Frontiers in Neuroscience 9:437, 2015,
    doi:10.3389/fnins.2015.00437.
    """
    places = _places(folder, name)
    candidates = ((each.name, find_nmnist(each.path, within=each.within)) for each in places)
    called, found = next(((n, path) for n, path in candidates if path is not None), (None, None))
    if called is None or found is None:
        looked = "\n".join(
            f"  - {each.path} ({'no recordings in it' if each.path.is_dir() else 'no such folder'})"
            for each in places
        )
        raise DataError(
            f"{name or 'nmnist'}: not found (Train/<digit>/*.bin and Test/<digit>/*.bin, or *.bs2 "
            f"with train*.txt and test*.txt); looked in\n{looked}\n"
            f"put the files in one of them, pass folder=, or set {ENVIRONMENT}"
        )
    if _lists(found):
        return _load_listed(found, called, progress)
    return load_event_folder(found, SHAPE, name=called, classes=CLASSES, progress=progress)


def find_nmnist(place: Path, *, within: bool = True) -> Path | None:
    """Return the folder with one of the two layouts, or None.

    Parameters
    ----------
    place : path
        Where to look.
    within : bool
        Whether to look in its subfolders too.
    """
    if not place.is_dir():
        return None
    inside = sorted(entry for entry in place.iterdir() if within and entry.is_dir())
    return next((each for each in (place, *inside) if _has_digits(each) or _lists(each)), None)


class _Place(NamedTuple):
    """Where to look, and what the data set is called if it is found there."""

    name: str
    path: Path
    within: bool  # whether to look in subfolders too


def _places(folder: str | PathLike[str] | None, name: str | None) -> list[_Place]:
    if folder is not None:
        within = [Path(folder), *(Path(folder) / each for each in _SUBFOLDERS)]
        return [_Place(name or "nmnist", each, True) for each in within]
    subfolders = _SUBFOLDERS if name is None else (name,)
    places = [
        _Place(each.lower(), root / each, True) for each in subfolders for root in data_folders()
    ]
    own = environment_folder()
    if own is not None:
        # a folder of several data sets: a neighbour could be taken for this one
        places.append(_Place(name or "nmnist", own, False))
    return places


def _has_digits(folder: Path) -> bool:
    return any((part / digit).is_dir() for part in find_parts(folder).values() for digit in CLASSES)


def _lists(folder: Path) -> dict[str, Path]:
    """Return the lists of the subset's layout, if the folder has one."""
    if next(folder.glob("*.bs2"), None) is None:
        return {}
    found = {part: sorted(folder.glob(f"{part}*.txt")) for part in ("train", "test")}
    return {part: paths[0] for part, paths in found.items() if len(paths) == 1}


def _load_listed(folder: Path, name: str, progress: bool) -> tuple[EventDataset, EventDataset]:
    lists = _lists(folder)
    if len(lists) != 2:
        raise DataError(f"{folder}: expected one list train*.txt and one test*.txt of its files")
    sets = []
    for path in lists.values():
        listed = list(_entries(path))
        if not listed:
            raise DataError(f"{path}: lists no recordings")
        files = [folder / f"{number}.bs2" for number, _ in listed]
        missing = [file for file in files if not file.is_file()]
        if missing:
            raise DataError(
                f"{path}: {len(missing)} of its {len(files)} files are missing "
                f"(first: {missing[0]})"
            )
        labels = np.array([label for _, label in listed])
        sets.append(read_recordings(name, files, labels, len(CLASSES), SHAPE, progress=progress))
    train, test = sets
    return train, test


def _entries(path: Path) -> Iterator[tuple[int, int]]:
    """Yield number and label of every line that is not a comment."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a readable list ({error})") from error
    for k, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not all(word.isdecimal() for word in words):
            raise DataError(f"{path}, line {k}: got {line!r}; expected a number and a label")
        number, label = map(int, words)
        if label >= len(CLASSES):
            raise DataError(f"{path}, line {k}: label {label}; allowed is 0 to {len(CLASSES) - 1}")
        yield number, label
