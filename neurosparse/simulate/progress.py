"""The progress bar of a run."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np

from neurosparse.errors import BackendMissingError, ParameterError
from neurosparse.simulate.checks import shown

__all__ = ["Progress"]


class Progress:
    """A bar on stderr by tqdm, or nothing; it appears when its ``with`` block is entered.

    Parameters
    ----------
    name : str
        What goes on.
    total : int [steps]
        How much there is to do.
    wanted : bool
        Whether to show it.

    Raises
    ------
    ParameterError
        If ``wanted`` is neither True nor False.
    BackendMissingError
        If it is to be shown and tqdm is not installed.
    """

    def __init__(self, name: str, total: int, wanted: Any) -> None:
        if not isinstance(wanted, bool | np.bool_):
            raise ParameterError(f"progress: got {shown(wanted)}; expected True or False")
        self._name, self._total = name, total
        self._tqdm: Any = _load_tqdm() if wanted else None
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if self._tqdm is not None:
            self._bar = self._tqdm(desc=self._name, total=self._total, unit="step", unit_scale=True)
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


def _load_tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise BackendMissingError(
            "progress: needs tqdm; pip install 'neurosparse[simulate]', or leave it out"
        ) from error
    return tqdm
