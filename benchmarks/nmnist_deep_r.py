"""N-MNIST from event files, 2312-512-10 at 1 %: DEEP R against static connectivity, ten seeds.

The subset of 1,000 training and 100 test recordings, or the whole data set where it is found. Both
schemes start from the same synapses and weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.harness import Record
from neurosparse.data import load_nmnist

NAME = "nmnist_deep_r"
SEEDS = tuple(range(10))  # 100 test recordings: a single seed says little


def run(quick: bool) -> Iterator[Record]:
    """Yield test accuracy of both schemes, their difference seed by seed, events and time."""
    from neurosparse.sparsify import static
    from neurosparse.train import PRESETS, fit, predict

    train, test = load_nmnist(progress=True)  # the whole, else the subset
    preset = PRESETS["nmnist"]
    epochs = 1 if quick else preset.epochs
    accuracy: dict[str, list[float]] = {"static": [], "deep_r": []}
    for seed in SEEDS[:1] if quick else SEEDS:
        for name, scores in accuracy.items():
            model = preset.sparse_model(seed)
            began = time.perf_counter()
            history = fit(
                model,
                train,
                encoding=preset.encoding,
                scheme=preset.scheme() if name == "deep_r" else static(),
                seed=seed,
                keep="last",
                name=f"N-MNIST, {name}, seed {seed}",
                **preset.fit_options(2, epochs),
            )
            seconds = time.perf_counter() - began
            answers = predict(model, test, preset.encoding)
            scores.append(100 * float((answers == test.labels).mean()))
            case = f"{preset.density:.1%}, {len(train):,} recordings, {epochs} epochs, seed {seed}"
            events = history.epochs[-1].events_per_sample or 0.0
            yield Record.of(NAME, case, f"{name}, test accuracy", scores[-1], "%")
            yield Record.of(NAME, case, f"{name}, synaptic events per sample", events, "1")
            yield Record.of(NAME, case, f"{name}, training time", seconds, "s")
    case = f"{preset.density:.1%}, {len(train):,} recordings, {epochs} epochs"
    gain = np.subtract(accuracy["deep_r"], accuracy["static"]).tolist()
    for metric, values in (*accuracy.items(), ("deep_r - static, seed by seed", gain)):
        mean = float(np.mean(values))
        unit = "points" if values is gain else "%"
        yield Record(
            NAME, case, f"{metric}, mean", mean, unit, len(values), min(values), max(values)
        )
