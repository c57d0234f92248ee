"""``neurosparse train``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosparse.cli.inputs import check_output_file
from neurosparse.cli.options import (
    L1,
    BatchSize,
    Data,
    Epochs,
    Json,
    Seed,
    Shift,
    Temperature,
    WeightDecay,
)
from neurosparse.cli.output import emit, emit_json, say, show_table, wants_progress
from neurosparse.cli.train_checks import (
    check_choices,
    check_fits_preset,
    check_ranges,
    parse_synapses,
)
from neurosparse.errors import ParameterError

if TYPE_CHECKING:
    from neurosparse.network import Network
    from neurosparse.train import History, Preset, SpikingClassifier
    from neurosparse.train.logs import Log

__all__ = ["train"]

_DEFAULT_SCHEME = "deep_r"


def train(
    out: Annotated[Path, typer.Option("--out", help="File for the trained network (.npz).")],
    data: Data = "digits",
    density: Annotated[
        float | None,
        typer.Option("--density", help="Share of the potential synapses. Default: the preset's."),
    ] = None,
    synapses: Annotated[
        str | None,
        typer.Option("--synapses", metavar="A,B,C", help="Synapses of every layer instead."),
    ] = None,
    dense: Annotated[
        bool, typer.Option("--dense", help="Train the dense twin: every synapse, no rewiring.")
    ] = False,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme",
            help="How connectivity changes while training: static, deep_r, set, rigl, gmp ... "
            f"(docs/schemes.md has all). Default: {_DEFAULT_SCHEME}.",
        ),
    ] = None,
    l1: L1 = None,
    temperature: Temperature = None,
    weight_decay: WeightDecay = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Of Adam. Default: the preset's.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option("--patience", min=1, help="Stop after so many epochs without a better one."),
    ] = None,
    shift: Shift = None,
    rate_target: Annotated[
        float | None,
        typer.Option(
            "--rate-target",
            help="Draw hidden neurons that fire more down to this many spikes a step.",
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Table with a line per epoch.")] = None,
    tensorboard: Annotated[
        Path | None, typer.Option("--tensorboard", help="Folder for TensorBoard's curves.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="File written after every epoch.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint if it exists.")
    ] = False,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train a sparse spiking network by DEEP R or others; save it."""
    check_choices(
        density=density,
        synapses=synapses,
        dense=dense,
        scheme=scheme,
        l1=l1,
        temperature=temperature,
    )
    check_ranges(
        density=density,
        learning_rate=learning_rate,
        rate_target=rate_target,
        l1=l1,
        temperature=temperature,
        weight_decay=weight_decay,
    )
    if resume and checkpoint is None:
        raise ParameterError("--resume: needs --checkpoint, the file to go on from")
    n_active = None if synapses is None else parse_synapses(synapses)
    for path in filter(None, (out, checkpoint, csv)):
        check_output_file(path)

    import numpy as np

    from neurosparse.compare import evaluate_dataset
    from neurosparse.data import load_dataset
    from neurosparse.sparsify import find_recipe
    from neurosparse.train import CsvLog, RateTarget, TensorBoardLog, find_preset, fit
    from neurosparse.train.presets import VALID_SHARE

    recipe = None if dense else find_recipe(_DEFAULT_SCHEME if scheme is None else scheme)
    learn, test = load_dataset(data, seed=seed, progress=wants_progress())
    found = find_preset(learn.n_inputs)
    check_fits_preset(found, n_active, shift)
    preset = _changed(
        found,
        learning_rate,
        {
            "l1": l1,
            "temperature": temperature,
            "weight_decay": weight_decay,
            "batch_size": batch_size,
            "shift": shift,
        },
    )
    regularizers = [] if rate_target is None else [RateTarget(rate_target, side="above")]
    if density is not None:
        n_active = preset.budget(density)
    part, valid = learn.split(VALID_SHARE, np.random.default_rng(seed))
    prior = recipe is not None and recipe.prior
    kind = 1 if recipe is None or recipe.starts == "full" else 2  # whose learning rate
    model: SpikingClassifier
    if recipe is None:
        model = preset.dense_model(seed)
        rewiring = None
        scheme_name = "dense"
    else:
        model = preset.first_model(recipe, seed, n_active)
        rewiring = recipe.make(preset.plan(kind, len(part), n_active, epochs))
        scheme_name = recipe.name
    options = preset.fit_options(kind, epochs, prior=prior)
    logs: list[Log] = [
        make(place) for make, place in ((CsvLog, csv), (TensorBoardLog, tensorboard)) if place
    ]
    if not wants_progress():
        from neurosparse.cli.epoch_lines import EpochLines

        logs.append(EpochLines(options["epochs"], say))
    say(f"training {'-'.join(map(str, preset.sizes))} on {data}, {scheme_name}")
    if prior and weight_decay is not None:
        say(f"--weight-decay: left out, as {scheme_name} has a prior of its own")
    history = fit(
        model,
        part,
        encoding=preset.encoding,
        valid=valid,
        scheme=rewiring,
        patience=patience,
        keep="last" if patience is None else "best",
        checkpoint=checkpoint,
        resume=resume,
        regularizers=regularizers,
        logs=logs,
        seed=seed,
        progress=wants_progress(),
        name=scheme_name,
        **options,
    )
    network = model.to_network()
    accuracy = evaluate_dataset(network, test, preset.encoding).accuracy
    metadata = {
        "dataset": data,
        "encoding": preset.encoding.to_dict(),
        "seed": seed,
        "scheme": scheme_name,
        "test_accuracy": accuracy,
    }
    network.save(out, metadata)
    layers = _layers(network, history)
    if as_json:
        emit_json(
            {
                "network": str(out),
                **metadata,
                "test_samples": len(test),
                "epochs": len(history.epochs),
                "valid_accuracy": [epoch.valid_accuracy for epoch in history.epochs],
                "synapses": network.n_synapses,
                "potential_synapses": network.n_potential_synapses,
                "layers": layers,
            }
        )
        return
    columns = ("layer", "synapses", "potential", "density", "dropped", "grown")
    show_table(
        f"{scheme_name} on {data}, {len(history.epochs)} epochs: "
        f"{100 * accuracy:.2f} % of {len(test)} test images",
        columns,
        [tuple(layer.values()) for layer in layers],
    )
    emit(f"network: {out}")


def _changed(preset: Preset, learning_rate: float | None, changes: dict[str, Any]) -> Preset:
    if learning_rate is not None:
        changes = {**changes, "learning_rates": (learning_rate,) * 3}
    given = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(preset, **given)


def _layers(network: Network, history: History) -> list[dict[str, Any]]:
    layers = []
    for index, projection in enumerate(network.projections):
        synapses = projection.synapses
        turnover = {
            name: sum(counts[index] for counts in kind if counts)
            for name, kind in (
                ("dropped", [epoch.dropped for epoch in history.epochs]),
                ("grown", [epoch.grown for epoch in history.epochs]),
            )
        }
        layers.append(
            {
                "name": projection.name,
                "synapses": synapses.n_active,
                "potential_synapses": synapses.n_potential,
                "density": synapses.n_active / synapses.n_potential,
                **turnover,
            }
        )
    return layers
