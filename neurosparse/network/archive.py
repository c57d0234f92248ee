"""An npz archive of plain arrays and one JSON header, no pickle: what all saved files share.

The member ``header`` holds JSON as UTF-8 bytes: ``format``, ``version``, ``members`` and what the
format adds. It lists all other members, as damage to a zip's directory can hide one; the zip's
checksums catch damage inside them.
"""

from __future__ import annotations

import contextlib
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import NeurosparseError, StorageError
from neurosparse.network.atomic import atomic_write

__all__ = ["ArchiveFormat"]

# What numpy, zipfile and json raise over files that are not what they should be; a RuntimeError
# comes from zips that claim encryption, unknown methods, and JSON that is nested too deep.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class ArchiveFormat:
    """One kind of file.

    Parameters
    ----------
    name : str
        Written into the header.
    version : int
        The only one that is read.
    what : str
        What such a file holds, for messages: "network".
    """

    name: str
    version: int
    what: str

    def write(
        self,
        path: str | PathLike[str],
        header: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        *,
        compress: bool = True,
    ) -> None:
        """Write JSON-able ``header`` and ``arrays`` to ``path``, completely or not at all."""
        own = {"format": self.name, "version": self.version, "members": sorted(arrays)}
        text = np.frombuffer(json.dumps({**header, **own}).encode(), dtype=np.uint8)
        save = np.savez_compressed if compress else np.savez
        with atomic_write(path) as file:
            save(file, header=text, **arrays)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def reading(
        self, path: str | PathLike[str]
    ) -> Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
        """Yield header and arrays; unpack them in the body, whose errors are the file's fault.

        Raises
        ------
        StorageError
            If the file is missing, truncated, altered or foreign, or the body refuses it.
        """
        where = Path(path)
        if not where.is_file():
            raise StorageError(f"{where}: no such file")
        try:
            yield self._read(where)
        except StorageError:
            raise
        except NeurosparseError as error:
            raise StorageError(f"{where}: holds an invalid {self.what}: {error}") from error
        except _UNREADABLE as error:
            raise StorageError(
                f"{where}: not a readable {self.what} file (truncated, altered or foreign): {error}"
            ) from error

    def _read(self, where: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        # opened here, as np.load leaves its own file open when it fails
        if not zipfile.is_zipfile(where):
            raise zipfile.BadZipFile("it is no zip archive")
        with where.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
        header = json.loads(bytes(members.pop("header")))
        if header.get("format") != self.name:
            raise StorageError(f"{where}: not a neurosparse {self.what} file")
        if header["version"] != self.version:
            raise StorageError(
                f"{where}: format version {header['version']}; "
                f"this neurosparse reads {self.version}"
            )
        if header["members"] != sorted(members):
            raise StorageError(
                f"{where}: holds the arrays {sorted(members)}; its header names {header['members']}"
            )
        return header, members
