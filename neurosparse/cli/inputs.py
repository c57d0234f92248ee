"""What to feed a saved network: its notes say, options overrule them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from neurosparse.cli.output import wants_progress
from neurosparse.errors import ParameterError, StorageError

if TYPE_CHECKING:
    from neurosparse.data import Encoding, EventDataset, ImageDataset, LabelledDataset

Data = TypeVar("Data", bound="LabelledDataset")

__all__ = ["Kind", "check_output_file", "encoding_of", "first_samples", "load_task", "note"]


class Kind(str, Enum):
    """Encodings by name."""

    rate = "rate"
    latency = "latency"
    current = "current"
    events = "events"


def note(metadata: Mapping[str, Any], name: str, kind: type) -> Any:
    """Return a note saved beside a network, or None.

    Raises
    ------
    StorageError
        If it is of another type: anybody can write notes.
    """
    value = metadata.get(name)
    if value is not None and not isinstance(value, kind):
        raise StorageError(
            f"metadata: {name!r} is a {type(value).__name__}; expected {kind.__name__}, "
            "as neurosparse train writes it"
        )
    return value


def load_task(
    metadata: Mapping[str, Any], data: str | None, seed: int | None
) -> tuple[str, int, ImageDataset, ImageDataset] | tuple[str, int, EventDataset, EventDataset]:
    """Load the data set that was asked for, else the one a network was trained on.

    Returns
    -------
    name : str
    seed : int
        Of its split.
    train, test : ImageDataset or EventDataset
    """
    from neurosparse.data import load_dataset

    name = data or note(metadata, "dataset", str)
    if name is None:
        raise ParameterError("--data: give it, as the network does not say what it was trained on")
    split = seed if seed is not None else note(metadata, "seed", int) or 0
    return name, split, *load_dataset(name, seed=split, progress=wants_progress())


def first_samples(data: Data, n_samples: int | None) -> Data:
    """Return the first samples, or all; data sets come with their classes mixed."""
    if n_samples is None:
        return data
    if n_samples > len(data):
        raise ParameterError(f"--samples: got {n_samples}; the test set holds {len(data)}")
    return data.take(range(n_samples))


def encoding_of(
    metadata: Mapping[str, Any], kind: Kind | None = None, n_steps: int | None = None
) -> Encoding:
    """Return the encoding a network was trained with, changed where options say so."""
    from neurosparse.data import Encoding

    saved = dict(note(metadata, "encoding", dict) or {})
    if kind is not None and kind.value != saved.get("kind"):
        saved = {"kind": kind.value, "n_steps": saved.get("n_steps")}
    if n_steps is not None:
        saved["n_steps"] = n_steps
    if "kind" not in saved or saved.get("n_steps") is None:
        raise ParameterError(
            "--encoding, --steps: give both, as the network does not say how its input is encoded"
        )
    return Encoding.from_dict(saved)


def check_output_file(path: Path) -> None:
    """Refuse a file that cannot be written, before the work and not after it.

    Raises
    ------
    ParameterError
        If it is a folder, or cannot be made where it should lie.
    """
    if path.is_dir():
        raise ParameterError(f"{path}: is a folder; name a file")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ParameterError(
            f"{path}: cannot be written, as {folder} is no folder one may write to"
        )
