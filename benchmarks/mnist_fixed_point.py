"""MNIST, SNN 784-300-100-10 at 5 %, DEEP R: floats against integers, and every spike in Lava.

The preset's network is trained and quantised, by the scale rule that is better on 5,000 held-out
images, and fine-tuned on the integer grid if more than 0.3 points are lost on these. All 10,000
test images run in floats and in integers in our engine, the first 200 of them in Lava as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.harness import Omitted, Record
from neurosparse.data import Encoding, ImageDataset, load_dataset

if TYPE_CHECKING:
    from neurosparse.loihi import IntegerGrid, Quantisation
    from neurosparse.network import Network
    from neurosparse.train import SpikingClassifier

NAME = "mnist_fixed_point"
SEED = 0
N_VALID = 5000
MOST_LOST = 0.003  # share of the held-out images, beyond which the network is fine-tuned
TUNING_EPOCHS, TUNING_RATE = 4, 1e-3
LAVA_SAMPLES = 200
LAVA_TIMEOUT_S = 3600.0
N_QUICK, N_LAVA_QUICK = 1000, 5  # images of each part


class Data(NamedTuple):
    """Images to learn from, to decide by, and to report on."""

    learn: ImageDataset
    valid: ImageDataset
    test: ImageDataset
    encoding: Encoding


class Found(NamedTuple):
    """A quantised network and its accuracy on the held-out images."""

    grid: IntegerGrid
    quantisation: Quantisation
    accuracy: float


def run(quick: bool) -> Iterator[Record | Omitted]:
    """Yield accuracies in floats and integers, and what differs in Lava."""
    from neurosparse.loihi import lava_available

    data = _load(quick)
    model = _train(data, quick)
    network = model.to_network()
    case = f"5 %, {len(data.test):,} test images"
    exact = _accuracy(network, data.test, data.encoding)
    yield Record.of(NAME, case, "float, test accuracy", 100 * exact, "%")
    found = _quantise(network, data)
    tuned = _accuracy(network, data.valid, data.encoding) - found.accuracy > MOST_LOST
    yield Record.of(NAME, case, "fine-tuned on the integer grid", float(tuned), "1")
    if tuned:
        yield from _compare(case, "before fine-tuning, ", found, exact, data)
        network, found = _fine_tune(model, found.grid, data, quick)
    yield from _compare(case, "", found, exact, data)
    if lava_available():
        yield from _run_lava(network, found.quantisation, data, quick)
    else:
        yield Omitted("Lava", "lava-nc is not installed (see docs/lava.md)")


def _load(quick: bool) -> Data:
    from neurosparse.train import PRESETS

    images, test = load_dataset("mnist")
    learn, valid = images.split(N_VALID, np.random.default_rng(SEED))
    if quick:
        learn, valid, test = (part.take(np.arange(N_QUICK)) for part in (learn, valid, test))
    return Data(learn, valid, test, PRESETS["mnist"].encoding)


def _train(data: Data, quick: bool) -> SpikingClassifier:
    from neurosparse.train import PRESETS, fit

    preset = PRESETS["mnist"]
    model = preset.sparse_model(SEED)
    fit(
        model,
        data.learn,
        encoding=data.encoding,
        scheme=preset.scheme(),
        seed=SEED,
        keep="last",
        name="MNIST, DEEP R",
        **preset.fit_options(2, 1 if quick else None),
    )
    return model


def _accuracy(
    network: Network, images: ImageDataset, encoding: Encoding, scale: float | None = None
) -> float:
    from neurosparse.compare import evaluate_dataset

    return evaluate_dataset(network, images, encoding, scale=scale).accuracy


def _integer_accuracy(
    quantisation: Quantisation, images: ImageDataset, encoding: Encoding
) -> float:
    return _accuracy(quantisation.network, images, encoding, quantisation.scales["input"])


def _quantise(network: Network, data: Data) -> Found:
    from neurosparse.loihi import IntegerGrid

    found = []
    for grid in (IntegerGrid(), IntegerGrid(scale="projection")):
        quantisation = grid.quantise(network)
        accuracy = _integer_accuracy(quantisation, data.valid, data.encoding)
        found.append(Found(grid, quantisation, accuracy))
    return max(found, key=lambda each: each.accuracy)  # of equals the first, without exponents


def _fine_tune(
    model: SpikingClassifier, grid: IntegerGrid, data: Data, quick: bool
) -> tuple[Network, Found]:
    import torch

    from neurosparse.train import PRESETS, fit

    options = PRESETS["mnist"].fit_options(2, 1 if quick else TUNING_EPOCHS)
    options["optimizer"] = partial(torch.optim.Adam, lr=TUNING_RATE)
    fit(
        model,
        data.learn,
        encoding=data.encoding,
        grid=grid,
        seed=SEED,
        keep="last",
        name="MNIST, on the integer grid",
        **options,
    )
    network = model.to_network()
    quantisation = grid.quantise(network)
    accuracy = _integer_accuracy(quantisation, data.valid, data.encoding)
    return network, Found(grid, quantisation, accuracy)


def _compare(case: str, when: str, found: Found, exact: float, data: Data) -> Iterator[Record]:
    accuracy = _integer_accuracy(found.quantisation, data.test, data.encoding)
    rule = f"{when}fixed point, scale by {found.grid.scale}"
    yield Record.of(NAME, case, f"{rule}, test accuracy", 100 * accuracy, "%")
    yield Record.of(NAME, case, f"{rule}, minus float", 100 * (accuracy - exact), "points")
    weight_error = 100 * found.quantisation.weight_error
    yield Record.of(NAME, case, f"{rule}, rms error of the weights", weight_error, "%")


def _run_lava(
    network: Network, quantisation: Quantisation, data: Data, quick: bool
) -> Iterator[Record]:
    from neurosparse.compare import check_dataset_in_lava
    from neurosparse.loihi import write_bundle

    some = data.test.take(np.arange(N_LAVA_QUICK if quick else LAVA_SAMPLES))
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_bundle(Path(folder) / "bundle", network, quantisation)
        outcome = check_dataset_in_lava(
            bundle, "fixed_pt", some, data.encoding, timeout_s=LAVA_TIMEOUT_S
        )
    case = f"5 %, first {len(some)} test images in Lava"
    ours, theirs = (
        run.spikes["output"]
        .counts_per_window(data.encoding.n_steps, start=quantisation.network.latency)
        .argmax(axis=1)
        for run in (outcome.check.ours, outcome.check.lava)
    )
    spikes = outcome.check.spikes
    yield Record.of(NAME, case, "same prediction as our engine", 100 * (ours == theirs).mean(), "%")
    yield Record.of(NAME, case, "Lava, test accuracy", 100 * outcome.accuracy, "%")
    yield Record.of(NAME, case, "spikes compared", spikes.n_compared, "1")
    yield Record.of(NAME, case, "spikes that differ", spikes.n_mismatches, "1")
    yield Record.of(NAME, case, "wall time of Lava", outcome.check.lava.wall_s, "s")
