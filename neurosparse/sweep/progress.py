"""How far a sweep has come, and how long it will take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from neurosparse.errors import BackendMissingError
from neurosparse.sweep.cell import Row
from neurosparse.sweep.study import Cell

__all__ = ["Progress", "duration"]


class Progress:
    """A bar on stderr, or lines for a log.

    Parameters
    ----------
    earlier : sequence of dict
        Rows that were there before.
    waiting : sequence of Cell
        What is to run.
    bar : bool
        Whether to show a bar.
    tell : callable, optional
        Takes lines: how many cells there are, and without a bar one for each that is done.
    """

    def __init__(
        self,
        earlier: Sequence[Row],
        waiting: Sequence[Cell],
        bar: bool,
        tell: Callable[[str], None] | None,
    ) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise BackendMissingError(
                "sweeps need tqdm, which is not installed; pip install 'neurosparse[sweep]'"
            ) from error
        self._earlier, self._n_waiting = earlier, len(waiting)
        self._tell = tell or (lambda _: None)
        self._at_a_time = 1
        self._ended: list[float] = []  # when each cell did, after the first moment
        self._began = time.monotonic()
        self._failed = 0
        self._shows_bar = bar
        self._bar = tqdm(
            total=len(earlier) + len(waiting),
            initial=len(earlier),
            desc="sweep",
            unit="cell",
            disable=not bar,
        )

    def start(self, n_cores: int, workers: int | None) -> None:
        """Say what is to come."""
        self._began = time.monotonic()
        at_a_time = self._at_a_time = min(n_cores, workers or n_cores)
        total = len(self._earlier) + self._n_waiting
        line = (
            f"{total} cells, {len(self._earlier)} of them finished earlier; {at_a_time} at a time"
        )
        if self._earlier:
            seconds = [row["train_seconds"] + row["measure_seconds"] for row in self._earlier]
            rounds = math.ceil(self._n_waiting / at_a_time)
            line += f"; about {duration(rounds * math.fsum(seconds) / len(seconds))} to go"
        self._tell(line)

    def add(self, cell: Cell, row: Row | None) -> None:
        """Count a cell that has finished or failed."""
        self._ended.append(time.monotonic() - self._began)
        self._failed += row is None
        accuracy = "failed" if row is None else f"{100 * row['test_accuracy']:.2f} %"
        self._bar.set_postfix({cell.scheme: accuracy, "failed": self._failed}, refresh=False)
        self._bar.update()
        if not self._shows_bar:
            name = f"{cell.scheme} at {100 * cell.density:g} %, seed {cell.seed}"
            done = len(self._earlier) + len(self._ended)
            self._tell(f"{done}/{self._bar.total} {name}: {accuracy}{self._left()}")

    def _left(self) -> str:
        """Return how long the rest will take, if it goes on as since the first round ended.

        The first cells of every worker take longer: it has to start.
        """
        done = len(self._ended)
        remaining = self._n_waiting - done
        if not remaining:
            return ""
        slow = self._at_a_time if done > self._at_a_time else 0
        since = self._ended[slow - 1] if slow else 0.0
        return f"; about {duration((self._ended[-1] - since) / (done - slow) * remaining)} left"

    def close(self) -> None:
        """Take the bar down."""
        self._bar.close()


def duration(seconds: float) -> str:
    """Return a length of time for people to read.

    Examples
    --------
    >>> duration(40), duration(600), duration(9000)
    ('40 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
