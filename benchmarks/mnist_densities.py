"""MNIST, SNN 784-300-100-10: DEEP R against static connectivity and the dense SNN, three seeds.

Two trainings at a time, one thread each. About 40 minutes on two cores.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from benchmarks.harness import Record
from neurosparse.data import ImageDataset, load_dataset

NAME = "mnist_densities"
SEEDS = (0, 1, 2)
SCHEMES = ("deep_r", "static")
# what the preset has for 5 and 10 % does not suit fewer synapses: they have no capacity for shifted
# images, and want more steps to find their places
DENSITIES: dict[float, dict[str, int]] = {
    0.02: {"shift": 0, "batch_size": 50, "epochs": 36},
    0.05: {},
    0.1: {},
}
QUICK_DENSITIES: dict[float, dict[str, int]] = {0.05: {}}
N_VALID = 5000
PROCESSES = 2


class Cell(NamedTuple):
    """One training."""

    scheme: str  # or "dense"
    density: float
    changes: dict[str, int]
    seed: int
    quick: bool


class Trained(NamedTuple):
    """What a training gave."""

    cell: Cell
    accuracy: float
    n_synapses: int
    events: float
    seconds: float
    epochs: int

    def line(self) -> str:
        """Return it in a line, for whoever waits."""
        cell = self.cell
        return (
            f"{cell.scheme}, {cell.density:.0%}, seed {cell.seed}: {100 * self.accuracy:.2f} % "
            f"after {self.epochs} epochs, {self.seconds:.0f} s"
        )


def run(quick: bool) -> Iterator[Record]:
    """Yield test accuracy, events and wall time of every scheme and density."""
    load_dataset("mnist")  # says here if it is missing, not in a process
    cells = _cells(quick)
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            futures: list[Future[Trained]] = [pool.submit(train, cell) for cell in cells]
            done = []
            for future in tqdm(as_completed(futures), "MNIST", len(futures), unit="training"):
                done.append(future.result())
                tqdm.write(done[-1].line(), file=sys.stderr)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    yield from _records(done)


_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def _cells(quick: bool) -> list[Cell]:
    seeds = SEEDS[:1] if quick else SEEDS
    cells = [
        Cell(scheme, density, changes, seed, quick)
        for scheme in SCHEMES
        for density, changes in (QUICK_DENSITIES if quick else DENSITIES).items()
        for seed in seeds
    ]
    return cells + [Cell("dense", 1.0, {"epochs": 12}, seed, quick) for seed in seeds]


def train(cell: Cell) -> Trained:
    """Train one network and evaluate it on the test images, in the simulator."""
    import torch

    from neurosparse.compare import evaluate_dataset
    from neurosparse.sparsify import static
    from neurosparse.train import PRESETS, fit

    torch.set_num_threads(1)
    learn, test = load_dataset("mnist")
    preset = dataclasses.replace(PRESETS["mnist"], **cell.changes)  # type: ignore[arg-type]
    schemes = {"deep_r": preset.scheme(), "static": static(), "dense": None}
    model = (
        preset.dense_model(cell.seed)
        if cell.scheme == "dense"
        else preset.sparse_model(cell.seed, preset.budget(cell.density))
    )
    options = preset.fit_options(
        1 if cell.scheme == "dense" else 2, 1 if cell.quick else preset.epochs
    )
    part, valid = _split(learn, cell)
    began = time.perf_counter()
    history = fit(
        model,
        part,
        valid=valid,
        encoding=preset.encoding,
        scheme=schemes[cell.scheme],
        seed=cell.seed,
        keep="last",
        progress=False,
        **options,
    )
    seconds = time.perf_counter() - began
    network = model.to_network()
    result = evaluate_dataset(network, test, preset.encoding)
    events = result.activity.total_synaptic_events / result.n_samples
    return Trained(cell, result.accuracy, network.n_synapses, events, seconds, len(history.epochs))


def _split(learn: ImageDataset, cell: Cell) -> tuple[ImageDataset, ImageDataset]:
    rng = np.random.default_rng(cell.seed)
    part, valid = learn.split(N_VALID, rng)
    return (part.take(np.arange(2000)), valid) if cell.quick else (part, valid)


def _records(done: list[Trained]) -> Iterator[Record]:
    groups: dict[tuple[str, float], dict[int, Trained]] = defaultdict(dict)
    for trained in done:
        groups[trained.cell.scheme, trained.cell.density][trained.cell.seed] = trained
    for (scheme, density), by_seed in sorted(groups.items(), key=lambda item: item[0][::-1]):
        all_seeds = list(by_seed.values())
        case = f"{density:.0%}, {scheme}, {all_seeds[0].epochs} epochs"
        accuracy = [100 * t.accuracy for t in all_seeds]
        for metric, values, unit in (
            ("test accuracy, mean", accuracy, "%"),
            ("synapses, mean", [t.n_synapses for t in all_seeds], "1"),
            ("synaptic events per inference, mean", [t.events for t in all_seeds], "1"),
            ("training time on one thread, mean", [t.seconds for t in all_seeds], "s"),
        ):
            yield _mean(case, metric, values, unit)
        if scheme == "deep_r" and ("static", density) in groups:
            static = groups["static", density]
            gain = [100 * (by_seed[s].accuracy - static[s].accuracy) for s in by_seed]
            yield _mean(case, "deep_r - static, seed by seed, mean", gain, "points")


def _mean(case: str, metric: str, values: Sequence[float], unit: str) -> Record:
    mean = float(np.mean(values))
    return Record(NAME, case, metric, mean, unit, len(values), min(values), max(values))
