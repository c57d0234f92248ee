"""Test samples through Lava: do the spikes agree, and are the answers right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

import numpy as np

from neurosparse.compare.evaluate import single_population
from neurosparse.data import EVALUATION_SEED, Encoding, LabelledDataset
from neurosparse.errors import ShapeError
from neurosparse.loihi import Bundle, Mismatch, ParityCheck, check_parity
from neurosparse.loihi.bundle import Tag
from neurosparse.network import Spikes

__all__ = ["LavaOutcome", "check_dataset_in_lava"]


@dataclass(frozen=True)
class LavaOutcome:
    """What Lava made of test samples.

    Parameters
    ----------
    samples : int
        Test samples, run back to back.
    check : ParityCheck
        Both runs, spike by spike.
    accuracy : float
        Share of the samples that Lava's output spikes classify correctly.
    engine_accuracy : float
        The same of our engine.
    """

    samples: int
    check: ParityCheck
    accuracy: float
    engine_accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and text, for JSON."""
        run = self.check.lava
        return {
            "samples": self.samples,
            "steps": run.n_steps,
            "spikes_compared": self.check.spikes.n_compared,
            "spike_mismatches": self.check.spikes.n_mismatches,
            "first_mismatch": _mismatch(self.check.spikes.first),
            "accuracy": self.accuracy,
            "engine_accuracy": self.engine_accuracy,
            "wall_s": run.wall_s,
            "versions": dict(run.versions),
        }

    def details(self) -> dict[str, Any]:
        """Return what `to_dict` leaves out: times and every population, in the network's order."""
        return {
            "start_s": self.check.lava.start_s,
            "run_s": self.check.lava.run_s,
            "layers": [
                {
                    "population": name,
                    "spikes_compared": layer.spikes.n_compared,
                    "spike_mismatches": layer.spikes.n_mismatches,
                    "values_compared": layer.traces.n_compared,
                    "value_mismatches": layer.traces.n_mismatches,
                    "first_mismatch": _mismatch(layer.first),
                }
                for name, layer in self.check.layers.items()
            ],
        }


def _mismatch(first: Mismatch | None) -> dict[str, Any] | None:
    return None if first is None else {**asdict(first), "text": str(first)}


def check_dataset_in_lava(
    bundle: Bundle,
    tag: Tag,
    data: LabelledDataset,
    encoding: Encoding,
    *,
    record: Sequence[str] = (),
    interpreter: str | PathLike[str] | None = None,
    timeout_s: float = 300.0,
    seed: int = EVALUATION_SEED,
) -> LavaOutcome:
    """Run samples back to back in Lava and in our engine, and compare every spike.

    Parameters
    ----------
    bundle : Bundle
        An exported classifier with one input and one output population.
    tag : {"floating_pt", "fixed_pt"}
        Which of Lava's models.
    data : ImageDataset or EventDataset
        The samples; all of them are run.
    encoding : Encoding
        Samples into time; its currents are scaled for ``fixed_pt`` as the bundle says.
    record, interpreter, timeout_s
        As in `neurosparse.loihi.check_parity`.
    seed : int
        Of random encodings.

    Returns
    -------
    LavaOutcome
        Nothing is raised when spikes differ.

    Raises
    ------
    ParameterError, ShapeError
        If the bundle does not hold the tag, or samples, labels and populations do not fit.
    NeurosparseError
        What `neurosparse.loihi.run_lava` raises.
    """
    network = bundle.network(tag)
    source, target = (single_population(network, role) for role in ("inputs", "outputs"))
    size, n_outputs = network.populations[source].size, network.populations[target].size
    if data.n_inputs != size or data.n_classes > n_outputs:
        raise ShapeError(
            f"data: samples of {data.n_inputs} inputs in {data.n_classes} classes for a network of "
            f"{size} inputs and {n_outputs} outputs; take the data set it was trained on"
        )
    encoded = encoding.encode(data.samples(), np.random.default_rng(seed))
    stream = np.ascontiguousarray(encoded.swapaxes(0, 1)).reshape(-1, size)
    if network.is_integer and encoding.is_current:
        # a network built from integers has no scale: its currents are integers already
        scale = bundle.scales.get(source, 1.0)
        stream = np.rint(np.asarray(stream, dtype=np.float32) * scale).astype(np.int64)
    check = check_parity(
        bundle,
        {source: stream},
        stream.shape[0] + network.latency,
        tag=tag,
        reset_every=encoding.n_steps,
        record=record,
        interpreter=interpreter,
        timeout_s=timeout_s,
    )

    def accuracy(spikes: Spikes) -> float:
        counts = spikes.counts_per_window(encoding.n_steps, start=network.latency)
        return float((counts.argmax(axis=1) == data.labels).mean())

    return LavaOutcome(
        len(data), check, accuracy(check.lava.spikes[target]), accuracy(check.ours.spikes[target])
    )
