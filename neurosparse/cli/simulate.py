"""``neurosparse simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neurosparse.cli.free_run import FreeRun, run_freely
from neurosparse.cli.inputs import Kind, encoding_of, first_samples, load_task
from neurosparse.cli.options import Json, NetworkData, NetworkFile, Samples
from neurosparse.cli.output import emit_json, say, show_table
from neurosparse.errors import ParameterError

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
        typer.Option(
            "--steps",
            min=1,
            help="Steps per image; default: as it was trained. Without images: steps to run now.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            help="Seed of the split of digits; default: that of the training, so that no test "
            "image was trained on. Without images: of the events; default: 0.",
        ),
    ] = None,
    poisson: Annotated[
        list[str] | None,
        typer.Option(
            "--poisson",
            metavar="NAME=RATE[:WEIGHT]",
            help="Instead of images, Poisson events to this population: RATE per neuron and step, "
            "each adding WEIGHT (default 1) where it holds neurons. Repeatable.",
        ),
    ] = None,
    threads: Annotated[
        int,
        typer.Option("--threads", min=1, help="Threads of a run without images."),
    ] = 1,
    progress: Annotated[
        bool | None,
        typer.Option(
            "--progress/--no-progress", help="Bar of a run without images. Default: at a terminal."
        ),
    ] = None,
    stream: Annotated[
        Path | None,
        typer.Option("--stream", help="Without images: write spikes and counts here (HDF5)."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="Without images: save the last state here."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            help="Without images: go on from the state in this file, with its random numbers "
            "unless --seed is given.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Without images: draw the spikes (.png, .pdf, .svg)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Classify test images, or run without them; count events."""
    if poisson or any(file is not None for file in (stream, checkpoint, resume, plot)):
        if data is not None or samples is not None or encoding is not None:
            raise ParameterError(
                "--data, --samples, --encoding: are for images; --poisson, --stream, --checkpoint, "
                "--resume and --plot for runs without; give one kind"
            )
        options = FreeRun(
            poisson or (), steps, seed, threads, progress, stream, checkpoint, resume, plot
        )
        run_freely(network, options, as_json=as_json)
        return
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
