"""Errors that neurosparse raises, all under one root, and what it warns of.

Every message names the argument, says what came, what is allowed, and where it helps the next step.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "BackendMissingError",
    "DataError",
    "ExportLimitError",
    "LavaRunError",
    "NeurosparseError",
    "ParameterError",
    "PoolError",
    "RegisterOverflowWarning",
    "ShapeError",
    "StorageError",
    "TopologyError",
    "TrainingError",
]


class NeurosparseError(Exception):
    """Root of every error a user of neurosparse can cause or meet."""


class ParameterError(NeurosparseError, ValueError):
    """A parameter lies outside what is allowed."""


class ShapeError(NeurosparseError, ValueError):
    """An array has the wrong shape, size or dtype."""


class TopologyError(NeurosparseError, ValueError):
    """Synapses or projections that do not form a valid network."""


class DataError(NeurosparseError, ValueError):
    """A data file is missing, truncated or not what it says it is."""


class StorageError(NeurosparseError, ValueError):
    """A saved network, checkpoint or bundle is truncated, altered or foreign."""


class TrainingError(NeurosparseError, RuntimeError):
    """Training cannot go on: a loss or a gradient is no longer a finite number."""


class ExportLimitError(NeurosparseError, ValueError):
    """A network exceeds what the target chip or its software can represent.

    Parameters
    ----------
    violations : sequence of str
        Every violation found, each naming population or projection, value and limit.
    """

    def __init__(self, violations: Sequence[str]) -> None:
        self.violations = tuple(violations)
        count = len(self.violations)
        head = f"cannot be exported: {count} violation{'s' if count != 1 else ''}"
        super().__init__("\n  - ".join([head, *self.violations]))

    def __reduce__(self) -> tuple[type[ExportLimitError], tuple[tuple[str, ...]]]:
        """Pickle by the violations, not by the finished message."""
        return type(self), (self.violations,)


class LavaRunError(NeurosparseError, RuntimeError):
    """The interpreter that runs Lava failed, died or exceeded its time limit."""


class PoolError(NeurosparseError, RuntimeError):
    """Ray could not start a pool on this machine; the message says why."""


class BackendMissingError(NeurosparseError, ImportError):
    """An optional part is not installed; the message says what to install."""


class RegisterOverflowWarning(UserWarning):
    """In a run of integer neurons, currents turned over or membranes stopped at 24 bits.

    Lava and the chip do the same, so the run is exact; the network hardly does what was meant.
    """
