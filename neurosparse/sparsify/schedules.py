"""When synapses are exchanged, and numbers that change over a training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count, check_fraction, check_positive

__all__ = ["Cosine", "Curve", "Polynomial", "Schedule", "Stairs"]

Curve = Callable[[int], float]  # of the number of a step, from 0


@dataclass(frozen=True)
class Schedule:
    """When synapses are exchanged.

    Parameters
    ----------
    every : int [steps]
        Period.
    start, stop : int [steps]
        First step that counts, and the first that no longer does (none: never stops).
    """

    every: int = 1
    start: int = 0
    stop: int | None = None

    def __post_init__(self) -> None:
        check_count("every", self.every, least=1)
        check_count("start", self.start)
        if self.stop is not None:
            check_count("stop", self.stop)

    def due(self, step: int) -> bool:
        """Whether synapses are exchanged after step ``step`` (counted from 0)."""
        running = step >= self.start and (self.stop is None or step < self.stop)
        return running and (step - self.start + 1) % self.every == 0


@dataclass(frozen=True)
class Cosine:
    """From ``first`` to ``last`` along half a cosine, over ``n_steps`` steps; then ``last``.

    References
    ----------
    Dettmers & Zettlemoyer 2019 (arXiv 1907.04840), Evci et al. 2020 (arXiv 1911.11134).
    """

    first: float
    n_steps: int
    last: float = 0.0

    def __post_init__(self) -> None:
        check_count("n_steps", self.n_steps, least=1)

    def __call__(self, step: int) -> float:
        """Return the number at a step."""
        progress = min(1.0, step / self.n_steps)
        return self.last + (self.first - self.last) * (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True)
class Polynomial:
    """From 0 before ``start`` to 1 from ``stop`` on: ``1 - (1 - progress)^power``.

    References
    ----------
    Zhu & Gupta 2017 (arXiv 1710.01878), equation 1, with power 3.
    """

    start: int
    stop: int
    power: float = 3.0

    def __post_init__(self) -> None:
        check_count("start", self.start)
        if self.stop <= self.start:
            raise ParameterError(f"stop: got {self.stop}; allowed is > start = {self.start}")
        check_positive("power", self.power)

    def __call__(self, step: int) -> float:
        """Return the number at a step."""
        progress = (step - self.start) / (self.stop - self.start)
        return 1.0 - float((1 - min(1.0, max(0.0, progress))) ** self.power)


class Stairs:
    """0, then from each step on the number beside it.

    Parameters
    ----------
    stairs : sequence of (int, float)
        Steps, ascending, and numbers from 0 to 1.

    Raises
    ------
    ParameterError
        If steps do not ascend, or a number is out of range.
    """

    def __init__(self, stairs: Sequence[tuple[int, float]]) -> None:
        self.stairs = tuple(stairs)
        steps = [check_count("stairs", step) for step, _ in self.stairs]
        if sorted(set(steps)) != steps:
            raise ParameterError(f"stairs: got steps {steps}; they must ascend")
        for _, value in self.stairs:
            if value:
                check_fraction("stairs", value)

    def __call__(self, step: int) -> float:
        """Return the number at a step."""
        return next((value for at, value in reversed(self.stairs) if step >= at), 0.0)
