"""``neurosparse compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neurosparse.cli.inputs import encoding_of, load_task
from neurosparse.cli.options import Json, NetworkData, NetworkFile, NetworkSeed
from neurosparse.cli.output import emit_json, say, wants_progress
from neurosparse.cli.tables import show_comparison
from neurosparse.errors import ParameterError

if TYPE_CHECKING:
    from neurosparse.compare import ModelCost
    from neurosparse.data import ImageDataset

__all__ = ["compare"]


def compare(
    network: NetworkFile,
    data: NetworkData = None,
    chip: Annotated[
        str, typer.Option("--chip", help="Prices of operations: a name, or a TOML file.")
    ] = "cmos-45nm",
    table: Annotated[
        str | None,
        typer.Option("--table", help="Which of the chip's tables of costs. Default: the chip's."),
    ] = None,
    ann_epochs: Annotated[
        int | None,
        typer.Option("--ann-epochs", min=1, help="Epochs of the ANN. Default: the preset's."),
    ] = None,
    no_train: Annotated[
        bool, typer.Option("--no-train", help="Count the ANN's operations only; needs no torch.")
    ] = False,
    seed: NetworkSeed = None,
    as_json: Json = False,
) -> None:
    """Compare a network with the dense ANN of its shape."""
    from neurosparse.compare import (
        Comparison,
        count_ann,
        estimate_energy,
        layer_sizes,
        measure_network,
    )
    from neurosparse.data import ImageDataset
    from neurosparse.hardware import load_chip
    from neurosparse.network import Network

    net, metadata = Network.load_with_metadata(network)
    encoding, sizes = encoding_of(metadata), layer_sizes(net)
    described = load_chip(chip)
    prices = described.table(table)
    name, split, learn, test = load_task(metadata, data, seed)
    images = None
    if isinstance(learn, ImageDataset) and isinstance(test, ImageDataset):
        images = learn, test
    elif not no_train:
        raise ParameterError(f"--no-train: give it, as no ANN is trained on the events of {name}")
    say(f"simulating {len(test)} test images of {name}")
    snn = measure_network("snn", net, test, encoding)
    if no_train or images is None:
        ann = count_ann("dense_ann", sizes)
    else:
        ann = _train_ann(sizes, *images, ann_epochs, split)
    costs = [
        cost.with_energy(estimate_energy(cost, described, table))
        if cost.kind == "snn" or prices.energy_of("mac")
        else cost
        for cost in (ann, snn)
    ]
    comparison = Comparison(tuple(costs))
    if as_json:
        emit_json(
            {
                "network": str(network),
                "dataset": name,
                "seed": split,
                "samples": len(test),
                "chip": described.name,
                "table": prices.name,
                "models": comparison.to_dict(),
                "ratios": comparison.ratios("dense_ann"),
            }
        )
    else:
        title = f"{len(test)} test images of {name}; energy: {described.title} ({prices.title})"
        show_comparison(title, comparison.to_dict())


def _train_ann(
    sizes: tuple[int, ...],
    learn: ImageDataset,
    test: ImageDataset,
    epochs: int | None,
    seed: int,
) -> ModelCost:
    """Train as the demo does: the preset's settings, the last epoch."""
    import numpy as np

    from neurosparse.compare import measure_ann
    from neurosparse.train import dense_ann, find_preset, fit
    from neurosparse.train.presets import VALID_SHARE

    options = find_preset(learn.n_inputs).fit_options(0, epochs)
    say(f"training a dense ANN {'-'.join(map(str, sizes))} for {options['epochs']} epochs")
    train, valid = learn.split(VALID_SHARE, np.random.default_rng(seed))
    ann = dense_ann(sizes, rng=seed)
    fit(
        ann,
        train,
        valid=valid,
        keep="last",
        seed=seed,
        progress=wants_progress(),
        name="dense ANN",
        **options,
    )
    return measure_ann("dense_ann", ann, test)
