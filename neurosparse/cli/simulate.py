"""``neurosparse simulate``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from neurosparse.cli.inputs import Kind, encoding_of, first_samples, load_task
from neurosparse.cli.options import Json, NetworkData, NetworkFile, NetworkSeed, Samples
from neurosparse.cli.output import emit_json, say, show_table

__all__ = ["simulate"]


def simulate(
    network: NetworkFile,
    data: NetworkData = None,
    samples: Samples = None,
    encoding: Annotated[
        Kind | None,
        typer.Option("--encoding", help="Images into time. Default: as it was trained."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Steps per image. Default: as it was trained."),
    ] = None,
    seed: NetworkSeed = None,
    as_json: Json = False,
) -> None:
    """Classify test images event by event and count events."""
    from neurosparse.compare import evaluate_dataset
    from neurosparse.network import Network

    net, metadata = Network.load_with_metadata(network)
    encode = encoding_of(metadata, encoding, steps)
    name, split, _, test = load_task(metadata, data, seed)
    test = first_samples(test, samples)
    say(f"simulating {len(test)} test images of {name}, {encode.n_steps} steps each")
    result = evaluate_dataset(net, test, encode)
    n, activity = result.n_samples, result.activity
    document: dict[str, Any] = {
        "network": str(network),
        "dataset": name,
        "seed": split,
        "encoding": encode.to_dict(),
        "samples": n,
        "accuracy": result.accuracy,
        "silent_samples": result.n_silent,
        "synaptic_events_per_inference": activity.total_synaptic_events / n,
        "neuron_updates_per_inference": activity.total_neuron_updates / n,
        "spikes_per_inference": {name: count / n for name, count in activity.spikes.items()},
        "synaptic_events_by_projection": {
            name: count / n for name, count in activity.synaptic_events.items()
        },
    }
    if as_json:
        emit_json(document)
        return
    rows = [
        ("accuracy", f"{100 * result.accuracy:.2f} %"),
        ("images without an output spike", result.n_silent),
        ("synaptic events per image", document["synaptic_events_per_inference"]),
        ("neuron updates per image", document["neuron_updates_per_inference"]),
        *((f"spikes per image, {k}", v) for k, v in document["spikes_per_inference"].items()),
    ]
    show_table(f"{network}: {n} test images of {name}", ("counted", ""), rows)
