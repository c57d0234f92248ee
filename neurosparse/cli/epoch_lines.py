"""How far a training has come, for logs: a line per epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from neurosparse.sweep.progress import duration

if TYPE_CHECKING:
    from neurosparse.train import History

__all__ = ["EpochLines"]


class EpochLines:
    """Tells of every epoch in a line; a log of `fit`, where nobody sees its bar.

    Parameters
    ----------
    n_epochs : int
        Of the whole training.
    tell : callable
        Takes lines.
    clock : callable
        Returns seconds since some moment.
    """

    def __init__(
        self,
        n_epochs: int,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._n_epochs, self._tell, self._clock = n_epochs, tell, clock
        self._ended: list[float] = []  # when each epoch of this process did

    def __call__(self, history: History) -> None:
        """Tell of the last epoch."""
        self._ended.append(self._clock())
        epoch = history.epochs[-1]
        line = f"epoch {epoch.epoch}/{self._n_epochs}: loss {epoch.loss:.3f}"
        if epoch.valid_accuracy is not None:
            line += f", validation {100 * epoch.valid_accuracy:.2f} %"
        line += f", {sum(epoch.synapses):,} synapses"
        remaining = self._n_epochs - epoch.epoch
        if remaining:
            line += f"; about {duration(remaining * self._seconds(epoch.seconds))} left"
        self._tell(line)

    def _seconds(self, first: float) -> float:
        """Return how long an epoch takes: the first is slow, as kernels are loaded in it."""
        if len(self._ended) == 1:
            return first
        return (self._ended[-1] - self._ended[0]) / (len(self._ended) - 1)
