"""Samples to compare a float network and its integer twin on, and how many of them are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.data import EVALUATION_SEED, Encoding, LabelledDataset
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.loihi.quantisation import Quantisation
from neurosparse.loihi.quantisation.quantise import scale_currents
from neurosparse.network import Network
from neurosparse.simulate import simulate_batch

__all__ = ["CalibrationSet", "accuracy_on", "only", "scaled"]


@dataclass(frozen=True, eq=False)
class CalibrationSet:
    """Samples to compare networks on.

    Parameters
    ----------
    inputs : mapping of str to (batch, n_steps, size) array
        By input population: zeros and ones for sources, float currents for neurons.
    labels : (batch,) int, optional
        Right class of every sample.

    Raises
    ------
    ShapeError
        If arrays do not fit together, or there are none.
    """

    inputs: Mapping[str, NDArray[Any]]
    labels: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        arrays = {name: np.asarray(values) for name, values in self.inputs.items()}
        shapes = {values.shape[:2] for values in arrays.values() if values.ndim == 3}
        if len(shapes) != 1 or any(
            values.ndim != 3 or not values.size for values in arrays.values()
        ):
            given = ", ".join(f"{name!r} {values.shape}" for name, values in arrays.items())
            raise ShapeError(
                f"inputs: got {given or 'none'}; expected (batch, n_steps, size), the same batch "
                "and steps in all, none of them 0"
            )
        object.__setattr__(self, "inputs", arrays)
        if self.labels is not None:
            labels = np.asarray(self.labels)
            if labels.shape != (len(self),) or labels.dtype.kind not in "iu":
                raise ShapeError(
                    f"labels: got shape {labels.shape} of {labels.dtype}; expected ({len(self)},) "
                    "whole numbers, one per sample"
                )
            object.__setattr__(self, "labels", labels.astype(np.int64))

    def __len__(self) -> int:
        return int(next(iter(self.inputs.values())).shape[0])

    @property
    def n_steps(self) -> int:
        """Steps per sample."""
        return int(next(iter(self.inputs.values())).shape[1])

    @classmethod
    def encode(
        cls,
        network: Network,
        data: LabelledDataset,
        encoding: Encoding,
        *,
        seed: int = EVALUATION_SEED,
    ) -> CalibrationSet:
        """Encode all samples of a data set for the only input population of a network.

        Parameters
        ----------
        network : Network
            Gives the name of the input.
        data : ImageDataset or EventDataset
            Take a part of the training set; ``data.take(range(500))``.
        encoding : Encoding
            Samples into time, as the network was trained with.
        seed : int
            Of random encodings.

        Returns
        -------
        CalibrationSet

        Raises
        ------
        ParameterError, ShapeError
            If there are several inputs, or the samples are of another size.
        """
        source = only(network.inputs, "inputs")
        size = network.populations[source].size
        if data.n_inputs != size:
            raise ShapeError(
                f"data: samples of {data.n_inputs} inputs for a network of {size}; take the data "
                "set it was trained on"
            )
        encoded = encoding.encode(data.samples(), np.random.default_rng(seed))
        return cls({source: np.ascontiguousarray(encoded.swapaxes(0, 1))}, data.labels)


def accuracy_on(
    samples: CalibrationSet, network: Network | Quantisation, *, threads: int = 1
) -> float:
    """Return the share of labelled samples that a network classifies correctly, as `calibrate`.

    Raises
    ------
    ParameterError
        If the samples have no labels, or the network several outputs.
    """
    if samples.labels is None:
        raise ParameterError("samples: have no labels; accuracy needs them")
    if isinstance(network, Quantisation):
        inputs: Mapping[str, NDArray[Any]] = scaled(network, samples.inputs)
        network = network.network
    else:
        inputs = samples.inputs
    output = only(network.outputs, "outputs")
    counts = simulate_batch(network, inputs, record=[output], threads=threads).counts[output]
    return float((counts.argmax(axis=1) == samples.labels).mean())


def scaled(
    quantisation: Quantisation, inputs: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return inputs for the integer network: spikes as they are, currents scaled."""
    currents = {name: values for name, values in inputs.items() if name in quantisation.scales}
    return {**inputs, **scale_currents(quantisation, currents)}


def only(names: tuple[str, ...], role: str) -> str:
    """Return the only population in a role, ``"inputs"`` or ``"outputs"``.

    Raises
    ------
    ParameterError
        If there are several, or none.
    """
    if len(names) != 1:
        raise ParameterError(
            f"network: {role} are {list(names)}; expected exactly one, choose with "
            f"Network(..., {role}=[name])"
        )
    return names[0]
