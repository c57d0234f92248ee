"""Measure a trained cell: accuracy, synapses, operations, energy, robustness."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from neurosparse.network import LIF, Network, Population, Projection
from neurosparse.sweep.study import Cell

if TYPE_CHECKING:
    from neurosparse.compare import ModelCost
    from neurosparse.sweep.training import Trained

__all__ = ["CHIP", "epoch_rows", "measure_cell", "totals"]

CHIP = "cmos-45nm"  # prices ANN and SNN on equal terms


def measure_cell(cell: Cell, trained: Trained) -> dict[str, Any]:
    """Return the numbers of a trained cell; names are those of `neurosparse.sweep.columns`."""
    from neurosparse.compare import estimate_energy
    from neurosparse.sparsify.structure.paths import effective_synapses

    if cell.model == "ann":
        network = _network_of_ann(trained)
        cost = _ann_cost(network, trained)
    else:
        network = trained.model.to_network()  # type: ignore[operator]
        cost = _snn_cost(network, trained)
    energy = estimate_energy(cost, CHIP)
    effective = sum(effective_synapses(network).values())
    assert cost.accuracy is not None  # noqa: S101 -- both were tried on the test set
    return {
        "test_accuracy": cost.accuracy.value,
        "synapses": network.n_synapses,
        "potential_synapses": network.n_potential_synapses,
        "final_density": network.n_synapses / network.n_potential_synapses,
        "effective_synapses": effective,
        "effective_density": effective / network.n_potential_synapses,
        "synaptic_events": cost.synaptic_events_per_inference.value,
        "neuron_updates": cost.neuron_updates_per_inference.value,
        "macs": cost.macs_per_inference.value,
        "energy_joule": energy.high_joule,
        "parameter_bytes": cost.parameter_bytes.value,
        "robust_accuracy": _robust_accuracy(cell, trained),
    }


def _snn_cost(network: Network, trained: Trained) -> ModelCost:
    from neurosparse.compare import measure_network

    return measure_network("snn", network, trained.test, trained.preset.encoding)


def _ann_cost(network: Network, trained: Trained) -> ModelCost:
    """Count as `count_ann` does, but of the synapses that are there: zeros are not multiplied."""
    from neurosparse.compare import count_ann, network_bytes
    from neurosparse.train import predict

    accuracy = float((predict(trained.model, trained.test) == trained.test.labels).mean())
    sizes = trained.preset.sizes
    n_bytes = network_bytes(network) + 4 * sum(sizes[1:])  # float32 biases
    dense = count_ann("ann", sizes, accuracy=accuracy, n_bytes=n_bytes)
    there = dataclasses.replace(dense.macs_per_inference, value=network.n_synapses)
    return dataclasses.replace(dense, synapses=there, macs_per_inference=there)


def _network_of_ann(trained: Trained) -> Network:
    """Return the connectivity of an ANN as a network, to count on."""
    from neurosparse.train import SparseLinear

    layers = [layer for layer in trained.model.children() if isinstance(layer, SparseLinear)]
    names = [str(index) for index in range(len(layers) + 1)]
    sizes = trained.preset.sizes
    populations = {
        name: Population(size, LIF() if index else None)
        for index, (name, size) in enumerate(zip(names, sizes, strict=True))
    }
    projections = [
        Projection(source, target, layer.to_synapses())
        for source, target, layer in zip(names, names[1:], layers, strict=False)
    ]
    return Network(populations, projections, inputs=names[:1], outputs=names[-1:])


def _robust_accuracy(cell: Cell, trained: Trained) -> float | None:
    if cell.attack is None:
        return None
    from neurosparse.train import FGSM, PGD, robust_accuracy

    kind, eps, n_steps = cell.attack.kind, cell.attack.eps, cell.attack.n_steps
    attack = FGSM(eps) if kind == "fgsm" else PGD(eps, n_steps=n_steps or 1)
    encoding = None if cell.model == "ann" else trained.preset.encoding
    return robust_accuracy(trained.model, trained.test, encoding, attack=attack, seed=cell.seed)


def epoch_rows(trained: Trained) -> list[dict[str, Any]]:
    """Return a row per epoch and layer, in order."""
    sizes = trained.preset.sizes
    rows = []
    for epoch, ever in zip(trained.history.epochs, trained.ever_active.per_epoch, strict=True):
        for index, synapses in enumerate(epoch.synapses):
            potential = sizes[index] * sizes[index + 1]
            rows.append(
                {
                    "epoch": epoch.epoch,
                    "layer": index,
                    "synapses": synapses,
                    "potential_synapses": potential,
                    "layer_density": synapses / potential,
                    "dropped": epoch.dropped[index] if epoch.dropped else 0,
                    "grown": epoch.grown[index] if epoch.grown else 0,
                    "ever_active": ever[index],
                    "r_s": ever[index] / potential,
                    "loss": epoch.loss,
                    "train_accuracy": epoch.train_accuracy,
                    "valid_accuracy": epoch.valid_accuracy,
                    "events_per_sample": epoch.events_per_sample,
                    "learning_rate": epoch.learning_rate,
                    "seconds": epoch.seconds,
                }
            )
    return rows


def totals(epochs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the rows of all epochs come to."""
    last = [row for row in epochs if row["epoch"] == epochs[-1]["epoch"]]
    ever = sum(row["ever_active"] for row in last)
    return {
        "train_accuracy": last[0]["train_accuracy"],
        "valid_accuracy": last[0]["valid_accuracy"],
        "loss": last[0]["loss"],
        "dropped": sum(row["dropped"] for row in epochs),
        "grown": sum(row["grown"] for row in epochs),
        "ever_active": ever,
        "r_s": ever / sum(row["potential_synapses"] for row in last),
    }
