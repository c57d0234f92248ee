"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "L1",
    "BatchSize",
    "Data",
    "Epochs",
    "Interpreter",
    "Json",
    "NetworkData",
    "NetworkFile",
    "NetworkSeed",
    "Samples",
    "Seed",
    "Shift",
    "Temperature",
    "Timeout",
    "WeightDecay",
]

_DATA = "digits, mnist, fashion-mnist, nmnist, nmnist-small, or a folder with IDX files or N-MNIST."

Data = Annotated[str, typer.Option("--data", metavar="NAME|FOLDER", help=_DATA)]
NetworkData = Annotated[
    str | None,
    typer.Option("--data", metavar="NAME|FOLDER", help=f"{_DATA} Default: what it was trained on."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same result.")]
NetworkSeed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        help="Seed of the split of digits. Default: that of the training, so that no test image "
        "was trained on.",
    ),
]
NetworkFile = Annotated[
    Path, typer.Argument(metavar="NETWORK", help="File written by train (.npz).")
]
Samples = Annotated[
    int | None,
    typer.Option("--samples", min=1, help="First so many test images. Default: all."),
]
L1 = Annotated[
    float | None, typer.Option("--l1", help="L1 prior of DEEP R. Default: the preset's.")
]
Temperature = Annotated[
    float | None,
    typer.Option("--temperature", help="Temperature of DEEP R. Default: the preset's."),
]
WeightDecay = Annotated[
    float | None,
    typer.Option(
        "--weight-decay",
        help="L2 penalty, for schemes without a prior of their own. Default: the preset's.",
    ),
]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Default: the preset's.")]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", min=1, help="Default: the preset's.")
]
Shift = Annotated[
    int | None,
    typer.Option(
        "--shift", min=0, help="Move samples by up to so many pixels. Default: the preset's."
    ),
]
Interpreter = Annotated[
    Path | None,
    typer.Option("--interpreter", help="Python with lava-nc. Default: the one that runs this."),
]
Timeout = Annotated[float, typer.Option("--timeout", help="Limit of each run in Lava, in seconds.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
