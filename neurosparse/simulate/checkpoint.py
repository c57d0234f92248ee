"""Save where a run is: its state and, if it rewires, its network beside it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from neurosparse.errors import StorageError
from neurosparse.simulate.session import Session

__all__ = ["Checkpoint"]


class Checkpoint:
    """A file that the state of a run is saved to again and again.

    Parameters
    ----------
    path : Path
        Of the state; its folder is made if need be.
    with_network : bool
        Whether the network is saved as well, to ``<path>.network``.

    Attributes
    ----------
    files : list of Path
        All that is written.

    Raises
    ------
    StorageError
        If nothing can be written there: better known before the run than after it.

    Notes
    -----
    State and network change places with the old ones once both lie on the disk, so that a full disk
    leaves the old pair. Only a kill between two renames tears it.
    """

    def __init__(self, path: Path, with_network: bool) -> None:
        self._path = path
        self.files = [path]
        if with_network:
            self.files.append(path.with_name(f"{path.name}.network"))
        with self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            for file in self.files:
                if file.is_dir():
                    raise IsADirectoryError("Is a directory")
                with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}."):
                    pass

    def save(self, session: Session) -> None:
        """Write the files, all or none.

        Raises
        ------
        StorageError
            If one cannot be written.
        """
        saves: list[Callable[[Path], None]] = [session.state().save, session.network.save]
        new = [file.with_name(f".{file.name}.new") for file in self.files]
        with self._writing():
            try:
                for save, file in zip(saves, new, strict=False):
                    save(file)
                for file, target in zip(new, self.files, strict=True):
                    file.replace(target)
            finally:
                for file in new:
                    file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise StorageError(f"{self._path}: cannot be written: {reason}") from error
