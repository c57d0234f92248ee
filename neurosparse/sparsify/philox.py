"""Keys for the counter-based random numbers that kernels draw."""

from __future__ import annotations

import numpy as np

__all__ = ["draw_key"]


def draw_key(rng: np.random.Generator) -> int:
    """Draw a key of 53 bits: one number of the generator stands for all that a kernel draws.

    Of what a generator offers a float is by far the quickest to get, and a step draws many keys.
    """
    return int(rng.random() * 9007199254740992.0)
