"""Which neurons can share a profile: the same decays and resets, or the same thresholds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import Population

__all__ = ["number_profiles"]

SHARED_FIELDS = ("du", "dv", "v_reset", "refractory", "reset")  # of a neuron profile
THRESHOLDS = ("vth", "vth_lo", "vth_hi")


def number_profiles(
    populations: Mapping[str, Population],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give numbers to the distinct decays and resets, and to the distinct thresholds.

    A bias is a neuron's own on the chip and needs no profile.

    Parameters
    ----------
    populations : mapping of str to Population
        In the order in which neurons are numbered.

    Returns
    -------
    profiles, thresholds : (n_neurons,) int32
        Numbers from 0, shared across populations; -1 for sources.
    """
    profiles: dict[tuple[Any, ...], int] = {}
    thresholds: dict[tuple[Any, ...], int] = {}
    columns: tuple[list[NDArray[np.int32]], list[NDArray[np.int32]]] = ([], [])
    for population in populations.values():
        for known, fields, out in (
            (profiles, SHARED_FIELDS, columns[0]),
            (thresholds, THRESHOLDS, columns[1]),
        ):
            out.append(_numbered(population, fields, known))
    return np.concatenate(columns[0]), np.concatenate(columns[1])


def _numbered(
    population: Population, fields: tuple[str, ...], known: dict[tuple[Any, ...], int]
) -> NDArray[np.int32]:
    if population.neuron is None:
        return np.full(population.size, -1, dtype=np.int32)
    there = [field.name for field in dataclasses.fields(population.neuron) if field.name in fields]
    values = [getattr(population.neuron, name) for name in there]
    kind = type(population.neuron).__name__
    vectors = [np.unique(v, return_inverse=True) for v in values if isinstance(v, np.ndarray)]
    shared = tuple(v for v in values if not isinstance(v, np.ndarray))
    if not vectors:
        number = known.setdefault((kind, *there, *shared), len(known))
        return np.full(population.size, number, dtype=np.int32)
    rows, inverse = np.unique(
        np.stack([inverse for _, inverse in vectors], axis=1), axis=0, return_inverse=True
    )
    numbers = [
        known.setdefault(
            (kind, *there, *_in_order(values, shared, vectors, row)),
            len(known),
        )
        for row in rows.tolist()
    ]
    return np.array(numbers, dtype=np.int32)[inverse.ravel()]


def _in_order(
    values: list[Any], shared: tuple[Any, ...], vectors: list[Any], row: list[int]
) -> list[Any]:
    """Return the values of one combination in the order of the fields."""
    plain, each = iter(shared), iter(zip(vectors, row, strict=True))
    combination = []
    for value in values:
        if isinstance(value, np.ndarray):
            (distinct, _), index = next(each)
            combination.append(distinct[index].item())
        else:
            combination.append(next(plain))
    return combination
