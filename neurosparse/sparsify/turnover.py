"""Statistics of rewiring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neurosparse.sparsify.exchange import Rewiring

__all__ = ["Turnover"]


@dataclass
class Turnover:
    """Counts of synapses dropped and grown per layer since the last `take`."""

    dropped: list[int] = field(default_factory=list)
    grown: list[int] = field(default_factory=list)
    n_steps: int = 0

    def add(self, rewirings: Sequence[Rewiring | None]) -> None:
        """Count one step."""
        self.n_steps += 1
        if len(self.dropped) != len(rewirings):
            self.dropped = [0] * len(rewirings)
            self.grown = [0] * len(rewirings)
        for index, rewiring in enumerate(rewirings):
            if rewiring is not None:
                self.dropped[index] += rewiring.n_dropped
                self.grown[index] += rewiring.n_grown

    def take(self) -> Turnover:
        """Return the counts and start again from zero."""
        counts = Turnover(self.dropped, self.grown, self.n_steps)
        self.dropped = [0] * len(self.dropped)
        self.grown = [0] * len(self.grown)
        self.n_steps = 0
        return counts
