"""What optimisers keep for a weight, and what a new weight has."""

from __future__ import annotations

from typing import Any

__all__ = ["STARTING_ELSEWHERE", "first_value"]

# slots that torch.optim does not start from zero (Rprop, Adagrad), and the option they start from;
# Rprop's step size, cut to 1e-6, would take some forty steps to grow back
_STARTS_FROM = {"step_size": "lr", "sum": "initial_accumulator_value"}
STARTING_ELSEWHERE = frozenset(_STARTS_FROM)


def first_value(slot: str, group: dict[str, Any]) -> float:
    """Return what a slot holds for a new weight.

    Parameters
    ----------
    slot : str
        Name in the optimiser's state.
    group : dict
        The parameter group of the weight.

    Returns
    -------
    float
        0 but for the step size of Rprop and the sum of Adagrad.
    """
    return float(group.get(_STARTS_FROM.get(slot, ""), 0.0))
