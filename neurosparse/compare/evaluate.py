"""Run a network over a test set: predictions, accuracy and exact activity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.data import EVALUATION_SEED, Encoding, LabelledDataset
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import Activity, Network, Spikes
from neurosparse.network.checks import check_count
from neurosparse.simulate import Run, simulate

__all__ = ["Evaluation", "evaluate", "evaluate_dataset", "single_population"]

_SAMPLES_AT_A_TIME = 1000  # encoded at once; bounds the memory
_RECORDINGS_AT_A_TIME = 100  # they have more inputs and many more steps than images


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network did on a test set.

    Parameters
    ----------
    counts : (n_samples, n_classes) int64
        Output spikes in each sample's window.
    predictions : (n_samples,) int64
        Class with most spikes; of several, the lowest number.
    accuracy : float
        Share of the predictions that are right.
    activity : Activity
        Counted over all samples; only what happens in a sample's own windows.
    n_steps : int
        Steps per sample.
    """

    counts: NDArray[np.int64]
    predictions: NDArray[np.int64]
    accuracy: float
    activity: Activity
    n_steps: int

    @property
    def n_samples(self) -> int:
        """Samples in the test set."""
        return len(self.predictions)

    @property
    def n_silent(self) -> int:
        """Samples without any output spike, which are predicted as class 0."""
        return int((self.counts.sum(axis=1) == 0).sum())


def evaluate(
    network: Network, encoded: Any, labels: Any, *, batch: int = 128, dtype: Any = np.float32
) -> Evaluation:
    """Classify a test set with the event-driven simulator and count what it took.

    A sample of ``T`` steps has one window of ``T`` steps in every population, which begins as many
    steps late as the population is deep (`Network.depths`) and starts from rest. The prediction is
    the class with most output spikes in the window, ties going to the lowest number. Spikes outside
    any window, as in the steps that flush the last sample, belong to nobody and are not counted.

    Parameters
    ----------
    network : Network
        With one input and one output population.
    encoded : (n_steps, n_samples, n_in) array
        Zeros and ones for a spike source, currents for an input population of neurons.
    labels : (n_samples,) int
        Right class of every sample.
    batch : int
        Samples that run back to back; bounds the memory, changes no result.
    dtype : {numpy.float32, numpy.float64}
        Arithmetic of a float network.

    Returns
    -------
    Evaluation

    Raises
    ------
    ShapeError, ParameterError
        If arrays do not fit the network, or a label is no output neuron.

    Notes
    -----
    Synaptic events are counted from the recorded spikes: ``sum over spikes in windows of fan-out``.
    Where every path to a population has the same length in steps, samples stream through the
    network back to back and are exactly independent; other networks (recurrent, or with several
    delays) run sample by sample. Neuron updates are neurons times ``T`` times samples.
    """
    source, target = single_population(network, "inputs"), single_population(network, "outputs")
    n_in, n_classes = network.populations[source].size, network.populations[target].size
    table = np.asarray(encoded)
    if table.ndim != 3 or table.shape[2] != n_in or not table.size:
        raise ShapeError(
            f"encoded: got shape {table.shape}; expected (n_steps, n_samples, {n_in}), "
            "none of them 0"
        )
    n_steps, n_samples = table.shape[:2]
    right = _check_labels(labels, n_samples, n_classes)
    batch = check_count("batch", batch, least=1) if _streams(network) else 1
    fan_out = {projection.name: projection.synapses.fan_out for projection in network.projections}
    counts = np.empty((n_samples, n_classes), dtype=np.int64)
    spikes = dict.fromkeys(network.populations, 0)
    events = dict.fromkeys(fan_out, 0)
    for start in range(0, n_samples, batch):
        chunk = table[:, start : start + batch]
        own = _run_back_to_back(network, source, chunk, dtype)
        counts[start : start + batch] = own[target].counts_per_window(n_steps)
        per_neuron = {name: spikes_of.counts() for name, spikes_of in own.items()}
        for name, per in per_neuron.items():
            spikes[name] += int(per.sum())
        for projection in network.projections:
            events[projection.name] += int(per_neuron[projection.source] @ fan_out[projection.name])
    predictions = counts.argmax(axis=1)
    updates = {
        name: population.size * n_steps * n_samples
        for name, population in network.populations.items()
        if population.neuron is not None
    }
    activity = Activity(n_steps * n_samples, spikes, events, updates)
    return Evaluation(counts, predictions, float((predictions == right).mean()), activity, n_steps)


def evaluate_dataset(
    network: Network,
    data: LabelledDataset,
    encoding: Encoding,
    *,
    scale: float | None = None,
    seed: int = EVALUATION_SEED,
) -> Evaluation:
    """Encode a data set piece by piece and evaluate a network on it.

    Parameters
    ----------
    network : Network
        As in `evaluate`.
    data : ImageDataset or EventDataset
        Samples and labels.
    encoding : Encoding
        Samples into time.
    scale : float, optional
        For an integer network driven by currents: integers per unit of current.
    seed : int
        Of random encodings.

    Returns
    -------
    Evaluation

    Raises
    ------
    ShapeError, ParameterError
        As `evaluate`.
    """
    rng = np.random.default_rng(seed)
    parts = []
    at_a_time = _RECORDINGS_AT_A_TIME if encoding.kind == "events" else _SAMPLES_AT_A_TIME
    for start in range(0, len(data), at_a_time):
        chosen = slice(start, start + at_a_time)
        encoded = encoding.encode(data.samples(chosen), rng)
        if scale is not None and encoding.is_current:
            encoded = np.rint(encoded * scale).astype(np.int64)
        parts.append(evaluate(network, encoded, data.labels[chosen]))
    return _joined(parts, data.labels)


def _joined(parts: list[Evaluation], labels: NDArray[np.int64]) -> Evaluation:
    def total(kind: str) -> dict[str, int]:
        tables = [getattr(part.activity, kind) for part in parts]
        return {name: sum(table[name] for table in tables) for name in tables[0]}

    predictions = np.concatenate([part.predictions for part in parts])
    activity = Activity(
        sum(part.activity.n_steps for part in parts),
        total("spikes"),
        total("synaptic_events"),
        total("neuron_updates"),
    )
    return Evaluation(
        np.concatenate([part.counts for part in parts]),
        predictions,
        float((predictions == labels).mean()),
        activity,
        parts[0].n_steps,
    )


def single_population(network: Network, role: str) -> str:
    """Return the name of the only population in a role, ``"inputs"`` or ``"outputs"``.

    Raises
    ------
    ParameterError
        If there are several, or none.
    """
    names = network.inputs if role == "inputs" else network.outputs
    if len(names) != 1:
        raise ParameterError(
            f"network: {role} are {list(names)}; evaluate needs exactly one, "
            f"choose with Network(..., {role}=[name])"
        )
    return names[0]


def _check_labels(labels: Any, n_samples: int, n_classes: int) -> NDArray[np.int64]:
    given = np.asarray(labels)
    if given.shape != (n_samples,) or given.dtype.kind not in "iu":
        raise ShapeError(
            f"labels: got shape {given.shape} of {given.dtype}; "
            f"expected ({n_samples},) whole numbers, one per sample"
        )
    if given.min() < 0 or given.max() >= n_classes:
        raise ParameterError(
            f"labels: got {given.min()} to {given.max()}; allowed is 0 to {n_classes - 1}, "
            "the output's neurons"
        )
    return given.astype(np.int64)


def _streams(network: Network) -> bool:
    """Whether every spike arrives in the window of the sample that caused it."""
    depths = network.depths
    return all(
        p.min_delay == p.max_delay == depths[p.target] - depths[p.source]
        for p in network.projections
    )


def _run_back_to_back(
    network: Network, source: str, chunk: NDArray[Any], dtype: Any
) -> dict[str, Spikes]:
    """Run samples one after the other; return each population's spikes within their windows."""
    n_steps, n_samples, n_in = chunk.shape
    depths = network.depths
    length = n_steps * n_samples
    stream = np.ascontiguousarray(chunk.swapaxes(0, 1)).reshape(length, n_in)
    run: Run = simulate(
        network,
        {source: stream},
        length + max(depths.values()),
        dtype=dtype,
        reset_every=n_steps,
    )
    return {name: run.spikes[name].window(d, d + length) for name, d in depths.items()}
