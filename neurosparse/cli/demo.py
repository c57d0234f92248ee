"""``neurosparse demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosparse.cli.options import Data, Interpreter, Json, Seed, Timeout
from neurosparse.cli.output import emit, emit_json, say, wants_progress
from neurosparse.cli.tables import show_comparison, show_lava

__all__ = ["demo"]


def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the report, the network and the bundle.")
    ],
    data: Data = "digits",
    seed: Seed = 0,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="Epochs of each model. Default: the preset's."),
    ] = None,
    lava_samples: Annotated[
        int,
        typer.Option("--lava-samples", min=0, help="Test images to run in Lava; 0 leaves it out."),
    ] = 50,
    interpreter: Interpreter = None,
    timeout: Timeout = 600.0,
    as_json: Json = False,
) -> None:
    """Train, simulate, export, run in Lava, compare, report."""
    from neurosparse.report import run_demo

    say(f"training a dense ANN, a dense SNN and a sparse SNN on {data}; this takes minutes")
    report = run_demo(
        out,
        dataset=data,
        seed=seed,
        epochs=epochs,
        lava_samples=lava_samples,
        interpreter=interpreter,
        timeout_s=timeout,
        progress=wants_progress(),
    )
    differing = [tag for tag, run in report["lava"].items() if run["spike_mismatches"]]
    if as_json:
        emit_json(report)
    else:
        n_test = report["dataset"]["test_samples"]
        show_comparison(f"{data}, {n_test} test images", report["models"])
        if report["lava"]:
            show_lava("every spike against our engines", report["lava"])
        emit(f"report: {out / 'report.html'}")
    for tag in differing:
        say(f"spikes differ in Lava's {tag}: {report['lava'][tag]['first_mismatch']['text']}")
    if differing:
        raise typer.Exit(1)
