"""What rules are told besides the layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Context"]


@dataclass
class Context:
    """The step, the random numbers, and what rules remember.

    Parameters
    ----------
    step : int
        Number of the optimiser's step, from 0.
    rng : numpy.random.Generator
        Source of randomness.
    memory : dict of str to number
        Theirs to write: a threshold that adapts, the least validation loss. It is saved with a run,
        so it holds only what JSON can.
    """

    step: int
    rng: np.random.Generator
    memory: dict[str, Any] = field(default_factory=dict)

    def observe(self, valid_loss: float) -> None:
        """Note a loss on the validation set, for rules that watch it."""
        least = self.memory.get("least_valid_loss", valid_loss)
        self.memory["valid_loss"] = float(valid_loss)
        self.memory["least_valid_loss"] = float(min(least, valid_loss))
        self.memory["valid_loss_is_new"] = True
