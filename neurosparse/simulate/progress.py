"""The progress bar of a run."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from neurosparse.errors import BackendMissingError

__all__ = ["Progress"]


class Progress:
    """A bar on stderr by tqdm, or nothing.

    Parameters
    ----------
    name : str
        What goes on.
    total : int [steps]
        How much there is to do.
    shown : bool
        Whether to show it.

    Raises
    ------
    BackendMissingError
        If it is to be shown and tqdm is not installed.
    """

    def __init__(self, name: str, total: int, shown: bool) -> None:
        self._bar: Any = None
        if not shown:
            return
        try:
            from tqdm import tqdm
        except ImportError as error:
            raise BackendMissingError(
                "progress: needs tqdm; pip install 'neurosparse[simulate]', or leave it out"
            ) from error
        self._bar = tqdm(desc=name, total=total, unit="step", unit_scale=True)

    def __enter__(self) -> Progress:
        return self

    def advance(self, n_steps: int) -> None:
        """Say that so many steps are done."""
        if self._bar is not None:
            self._bar.update(n_steps)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
