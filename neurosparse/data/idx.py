"""IDX files, the format of MNIST and its relatives."""

from __future__ import annotations

import gzip
import math
import zlib
from os import PathLike
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from neurosparse.data.dataset import ImageDataset
from neurosparse.data.places import ENVIRONMENT, data_folders, environment_folder
from neurosparse.errors import DataError

__all__ = ["holds_idx", "load_idx", "read_idx"]

# Part of the data set -> stems of its image and label files, as published since 1998.
_PARTS = {
    "train": ("train-images", "train-labels"),
    "test": ("t10k-images", "t10k-labels"),
}
_IMAGE_DIMENSIONS, _LABEL_DIMENSIONS = 3, 1
_UNSIGNED_BYTE = 0x08  # third byte of the magic number; the fourth is the number of dimensions
_CHUNK = 1 << 20
_N_CLASSES = {"mnist": 10, "fashion-mnist": 10, "kmnist": 10}


def load_idx(
    folder: str | PathLike[str] | None = None, name: str = "mnist"
) -> tuple[ImageDataset, ImageDataset]:
    """Load a data set of the MNIST family from its four IDX files.

    Both spellings are understood (``train-images-idx3-ubyte``, ``train-images.idx3-ubyte``), as
    they are and compressed (``.gz``).

    Parameters
    ----------
    folder : path, optional
        Where the files lie, in it or in its subfolder ``name``; then only there is looked. Without
        it, the places are the subfolders of that name in `data_folders`, and the folder in the
        environment variable ``NEUROSPARSE_DATA`` itself.
    name : str
        Name of the data set and of its subfolder.

    Returns
    -------
    train, test : ImageDataset
        Bytes divided by 255.

    Raises
    ------
    DataError
        If the files are missing, with every place that was looked at; or if one is truncated,
        damaged, too long, of another kind, or does not fit its partner.
    """
    found = _find_folder(folder, name)
    parts = {part: _read_part(found, *stems) for part, stems in _PARTS.items()}
    shapes = {part: images.shape[1:] for part, (images, _) in parts.items()}
    if shapes["train"] != shapes["test"]:
        raise DataError(
            f"{found}: train images are {shapes['train']} pixels, test images {shapes['test']}; "
            "the files belong to different data sets"
        )
    highest = max(int(labels.max()) for _, labels in parts.values())
    n_classes = _N_CLASSES.get(name, highest + 1)
    if highest >= n_classes:
        raise DataError(f"{found}: label {highest} found; {name} has labels 0 to {n_classes - 1}")
    height, width = shapes["train"]
    train, test = (
        ImageDataset(
            name,
            images.reshape(len(images), -1).astype(np.float32) / np.float32(255),
            labels.astype(np.int64),
            n_classes,
            (height, width),
        )
        for images, labels in parts.values()
    )
    return train, test


def _find_folder(folder: str | PathLike[str] | None, name: str) -> Path:
    """First place that has any of the files; what is missing there is told later."""
    places = _places(folder, name)
    for place in places:
        if holds_idx(place):
            return place
    looked = "\n".join(
        f"  - {place} ({'no IDX files in it' if place.is_dir() else 'no such folder'})"
        for place in places
    )
    raise DataError(
        f"{name}: no IDX files found (train-images-idx3-ubyte and its partners, .gz or not); "
        f"looked in\n{looked}\n"
        f"put the four files in one of them, pass folder=, or set {ENVIRONMENT}"
    )


def holds_idx(place: Path) -> bool:
    """Whether any of the four files lies there."""
    return any(_candidates(place, stem) for stems in _PARTS.values() for stem in stems)


def _places(folder: str | PathLike[str] | None, name: str) -> list[Path]:
    if folder is not None:
        return [Path(folder), Path(folder) / name]
    places = [each / name for each in data_folders()]
    own = environment_folder()
    if own is not None:
        # after its subfolder: a folder of several data sets may hold loose files as well
        places.insert(1, own)
    return places


def _candidates(folder: Path, stem: str) -> list[Path]:
    rank = _IMAGE_DIMENSIONS if stem.endswith("images") else _LABEL_DIMENSIONS
    names = [f"{stem}{joint}idx{rank}-ubyte{end}" for joint in "-." for end in ("", ".gz")]
    return [folder / name for name in names if (folder / name).is_file()]


def _read_part(
    folder: Path, image_stem: str, label_stem: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    paths = []
    for stem in (image_stem, label_stem):
        candidates = _candidates(folder, stem)
        if not candidates:
            rank = _IMAGE_DIMENSIONS if stem == image_stem else _LABEL_DIMENSIONS
            raise DataError(f"{folder}: {stem}-idx{rank}-ubyte (or .gz) is missing")
        paths.append(candidates[0])
    images = read_idx(paths[0], _IMAGE_DIMENSIONS)
    labels = read_idx(paths[1], _LABEL_DIMENSIONS)
    if len(images) != len(labels):
        raise DataError(
            f"{folder}: {len(images)} images in {paths[0].name} but {len(labels)} labels in "
            f"{paths[1].name}"
        )
    return images, labels


def read_idx(path: str | PathLike[str], n_dimensions: int) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, compressed if its name ends in ``.gz``.

    Parameters
    ----------
    path : path
        The file.
    n_dimensions : int
        1 for labels, 3 for images.

    Returns
    -------
    array of uint8
        With the dimensions the header states.

    Raises
    ------
    DataError
        If the file cannot be read, is damaged or of another kind, or is shorter or longer than
        its header says.

    Notes
    -----
    Memory is bounded by the length of the content, whatever the header claims.
    """
    where = Path(path)
    try:
        with gzip.open(where) if where.suffix == ".gz" else where.open("rb") as file:
            return _parse(where, file, n_dimensions)
    except (OSError, EOFError, zlib.error) as error:
        kind = "gzip file (truncated or damaged)" if where.suffix == ".gz" else "file"
        raise DataError(f"{where}: not a readable {kind}: {error}") from error


def _parse(where: Path, file: IO[bytes] | gzip.GzipFile, n_dimensions: int) -> NDArray[np.uint8]:
    n_header = 4 + 4 * n_dimensions
    header = file.read(n_header)
    expected = _UNSIGNED_BYTE << 8 | n_dimensions
    if len(header) >= 4 and int.from_bytes(header[:4], "big") != expected:
        kind = "images" if n_dimensions == _IMAGE_DIMENSIONS else "labels"
        raise DataError(
            f"{where}: magic number 0x{header[:4].hex()}; expected 0x{expected:08x} "
            f"(IDX {kind} of unsigned bytes)"
        )
    if len(header) < n_header:
        raise DataError(f"{where}: expected a header of {n_header} bytes, got {len(header)}")
    shape = np.frombuffer(header, dtype=">u4", offset=4).tolist()
    if 0 in shape:
        raise DataError(f"{where}: the header says {shape}; every dimension must be at least 1")
    n_content = math.prod(shape)
    content = bytearray()
    # by pieces and one byte beyond: a lying header cannot make us allocate, nor hide a tail
    while len(content) <= n_content:
        piece = file.read(min(_CHUNK, n_content + 1 - len(content)))
        if not piece:
            break
        content += piece
    if len(content) != n_content:
        got = f"{n_header + len(content)}" if len(content) < n_content else "more"
        raise DataError(f"{where}: expected {n_header + n_content} bytes, got {got}")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)
