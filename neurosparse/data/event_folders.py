"""Folders of recordings: a folder per class, a file per recording."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.data.event_dataset import EventDataset, check_shape
from neurosparse.data.event_files import SUFFIXES, event_reader
from neurosparse.data.recordings import flatten_recordings
from neurosparse.errors import DataError

__all__ = ["find_parts", "load_event_folder", "read_recordings"]


def load_event_folder(
    folder: str | PathLike[str],
    shape: tuple[int, int, int],
    *,
    name: str | None = None,
    classes: Sequence[str] | None = None,
    held_out: float | int = 0.2,
    seed: int = 0,
    progress: bool = False,
) -> tuple[EventDataset, EventDataset]:
    """Load recordings that lie in ``train/<class>/`` and ``test/<class>/``, one file each.

    Where there is neither ``train`` nor ``test``, the folder holds the classes itself and a part of
    the recordings is held out for the test set. Upper and lower case are alike in ``train`` and
    ``test``; names that begin with a dot are left out. All files have one format: ``.bin`` or
    ``.bs2`` (N-MNIST, N-Caltech101) or ``.aedat4``.

    Classes take turns in the order of the recordings, each as often as its share asks for, so that
    the first so many stand for all; recordings of a class stay in the order of their names.

    Parameters
    ----------
    folder : path
        Where to look.
    shape : tuple of int
        Polarities, height and width of the camera, or of the part of it that was used.
    name : str, optional
        What the data set is called; by default as the folder.
    classes : sequence of str, optional
        Names of the class folders in the order of their labels. By default those that are there,
        by number if all are whole numbers, else by name.
    held_out : float or int
        Without ``train`` and ``test``: share or number of the recordings in the test set.
    seed : int
        Without ``train`` and ``test``: of the split.
    progress : bool
        Show a bar on stderr, if tqdm is installed.

    Returns
    -------
    train, test : EventDataset

    Raises
    ------
    DataError
        If a folder is missing or empty, a class unknown, or a file truncated, of an unknown or of
        another format, or with events outside ``shape``.
    BackendMissingError
        If tonic is not installed, or aedat for ``.aedat4``.
    """
    shape = check_shape(shape)
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder")
    name = name or root.resolve().name
    parts = find_parts(root)
    if len(parts) == 1:
        (only,) = parts
        missing = "train" if only == "test" else "test"
        raise DataError(f"{root}: there is a folder {only}, but none called {missing}")
    files = {part: _class_files(place) for part, place in (parts or {"train": root}).items()}
    known = list(classes) if classes is not None else _ordered(files["train"])
    for part, found in files.items():
        unknown = sorted(set(found) - set(known))
        if unknown:
            raise DataError(
                f"{parts.get(part, root)}: class {unknown[0]!r} is none of {', '.join(known)}"
            )
    sets = []
    for found in files.values():
        paths, labels = _in_turns(found, known)
        sets.append(read_recordings(name, paths, labels, len(known), shape, progress=progress))
    if not parts:
        return sets[0].split(held_out, np.random.default_rng(seed))
    train, test = sets
    return train, test


def find_parts(folder: Path) -> dict[str, Path]:
    """Return the subfolders ``train`` and ``test``, in this order, as far as they exist."""
    found = {
        entry.name.lower(): entry
        for entry in (folder.iterdir() if folder.is_dir() else ())
        if entry.is_dir()
    }
    return {part: found[part] for part in ("train", "test") if part in found}


def read_recordings(
    name: str,
    paths: Sequence[Path],
    labels: Any,
    n_classes: int,
    shape: tuple[int, int, int],
    *,
    progress: bool = False,
) -> EventDataset:
    """Read files of one format into a data set.

    Parameters
    ----------
    name, labels, n_classes, shape
        As in `EventDataset`.
    paths : sequence of path
        One per recording.
    progress : bool
        As in `load_event_folder`.

    Raises
    ------
    DataError, BackendMissingError
        As `load_event_folder`.
    """
    suffixes = sorted({path.suffix.lower() for path in paths})
    if len(suffixes) > 1:
        raise DataError(
            f"{name}: files of {' and '.join(suffixes)}; expected one format, as in {paths[0]}"
        )
    read = event_reader(suffixes[0])
    recordings = ((str(path), read(path)) for path in _with_bar(paths, name, progress))
    return EventDataset(name, *flatten_recordings(recordings, shape), labels, n_classes, shape)


def _in_turns(
    found: Mapping[str, Sequence[Path]], known: Sequence[str]
) -> tuple[list[Path], NDArray[np.int64]]:
    """Return all recordings and their labels, every class spread evenly over the order."""
    places = sorted(
        # the middle of the k-th of equal parts of the whole, one part per recording of the class
        ((k + 0.5) / len(found[name]), label, path)
        for label, name in enumerate(known)
        for k, path in enumerate(found.get(name, ()))
    )
    return [path for *_, path in places], np.array([label for _, label, _ in places], np.int64)


def _with_bar(paths: Sequence[Path], name: str, wanted: bool) -> Iterable[Path]:
    if not wanted:
        return paths
    try:
        from tqdm import tqdm
    except ImportError:
        return paths
    bar: Iterable[Path] = tqdm(paths, desc=f"reading {name}", unit="file")
    return bar


def _class_files(part: Path) -> dict[str, list[Path]]:
    """Return the recordings by class."""
    found = {
        entry.name: sorted(_recordings(entry))
        for entry in sorted(part.iterdir())
        if entry.is_dir() and not entry.name.startswith(".")
    }
    if not found:
        raise DataError(f"{part}: no class folders in it")
    for label, paths in found.items():
        if not paths:
            raise DataError(f"{part / label}: no recordings in it")
    return found


def _recordings(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        # a recording that is passed over in silence would be missing from every count
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(
                f"{path}: not a file of events; a class folder holds {', '.join(SUFFIXES)} only"
            )
        yield path


def _ordered(names: Iterable[str]) -> list[str]:
    given = sorted(names)
    return sorted(given, key=int) if all(name.isdecimal() for name in given) else given
