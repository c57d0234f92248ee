"""MNIST, SNN 784-300-100-10 trained by DEEP R with 3,552 synapses (1.33 %)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.harness import Record
from neurosparse.data import load_dataset

NAME = "mnist_deep_r"
SEEDS = (0, 1, 2)
N_VALID = 5000


def run(quick: bool) -> Iterator[Record]:
    """Yield test accuracy, synapses, events and wall time, mean over the seeds."""
    from neurosparse.compare import evaluate_dataset
    from neurosparse.train import PRESETS, fit

    learn, test = load_dataset("mnist")
    preset = PRESETS["mnist"]
    epochs = 1 if quick else preset.epochs
    results: dict[str, list[float]] = {
        "test accuracy": [],
        "synapses": [],
        "synaptic events per inference": [],
        "training time": [],
    }
    for seed in SEEDS[:1] if quick else SEEDS:
        train, valid = learn.split(N_VALID, np.random.default_rng(seed))
        model = preset.sparse_model(seed)
        began = time.perf_counter()
        fit(
            model,
            train,
            valid=valid,
            encoding=preset.encoding,
            scheme=preset.scheme(),
            seed=seed,
            keep="last",
            name=f"MNIST, seed {seed}",
            **preset.fit_options(2, epochs),
        )
        seconds = time.perf_counter() - began
        network = model.to_network()
        result = evaluate_dataset(network, test, preset.encoding)
        results["test accuracy"].append(result.accuracy)
        results["synapses"].append(network.n_synapses)
        results["synaptic events per inference"].append(
            result.activity.total_synaptic_events / result.n_samples
        )
        results["training time"].append(seconds)
    for metric, values in results.items():
        unit = "s" if metric == "training time" else "1"
        case = f"{preset.density:.2%}, {epochs} epochs"
        yield Record(
            NAME,
            case,
            f"{metric}, mean",
            float(np.mean(values)),
            unit,
            len(values),
            min(values),
            max(values),
        )
