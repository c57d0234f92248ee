"""``neurosparse sweep``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosparse.cli.options import (
    L1,
    BatchSize,
    Data,
    Epochs,
    Json,
    Shift,
    Temperature,
    WeightDecay,
)
from neurosparse.cli.output import emit, emit_json, say, show_table, wants_progress

if TYPE_CHECKING:
    from neurosparse.sweep import Row, Study, SweepResult

__all__ = ["sweep"]

CHECK_FAILED = 1  # some cell did
_EPS = 0.1


class ModelChoice(str, Enum):
    """Kinds of model."""

    snn = "snn"
    ann = "ann"


class AttackChoice(str, Enum):
    """Attacks by name."""

    fgsm = "fgsm"
    pgd = "pgd"


class ObjectiveChoice(str, Enum):
    """Ways to train against an attack."""

    adversarial = "adversarial"
    mixed = "mixed"
    trades = "trades"
    mart = "mart"


def sweep(
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder for results; a sweep that was cut short goes on in it."),
    ],
    schemes: Annotated[
        str,
        typer.Option(
            "--schemes", metavar="A,B,...", help="Recipes by name, or all (docs/sweep.md)."
        ),
    ] = "static,deep_r",
    densities: Annotated[
        str, typer.Option("--densities", metavar="X,Y,...", help="Shares of potential synapses.")
    ] = "0.02,0.05,0.1",
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="N,M,...", help="A run of its own for each.")
    ] = "0,1,2",
    data: Data = "digits",
    model: Annotated[
        ModelChoice, typer.Option("--model", help="Spiking network, or ReLU network of its shape.")
    ] = ModelChoice.snn,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", help="Of networks that start sparse. Default: preset's."),
    ] = None,
    dense_learning_rate: Annotated[
        float | None,
        typer.Option(
            "--dense-learning-rate",
            help="Of those that start with every synapse. Default: --learning-rate, or the "
            "preset's.",
        ),
    ] = None,
    l1: L1 = None,
    weight_decay: WeightDecay = None,
    temperature: Temperature = None,
    shift: Shift = None,
    attack: Annotated[
        AttackChoice | None, typer.Option("--attack", help="Measure accuracy under it too.")
    ] = None,
    eps: Annotated[
        float | None,
        typer.Option(
            "--eps", help="Largest change of a pixel by the attack; white is 1. Default: 0.1."
        ),
    ] = None,
    attack_steps: Annotated[
        int | None, typer.Option("--attack-steps", min=1, help="Of PGD. Default: 10.")
    ] = None,
    objective: Annotated[
        ObjectiveChoice | None,
        typer.Option("--objective", help="Train against PGD with --eps (with --attack)."),
    ] = None,
    train_samples: Annotated[
        int | None,
        typer.Option("--train-samples", min=1, help="First so many only, for a quick look."),
    ] = None,
    test_samples: Annotated[
        int | None,
        typer.Option("--test-samples", min=1, help="First so many only, for a quick look."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Cells at a time. Default: one per core.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST:PORT|auto",
            help="Ray cluster to run on. Default: a pool on this machine.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare schemes over densities and seeds, on Ray."""
    from neurosparse.sweep import Attack, Study, run_study

    if attack is None:
        _needs("--attack", {"--eps": eps, "--attack-steps": attack_steps})
        against = None
    else:
        against = Attack(attack.value, _EPS if eps is None else eps, attack_steps)
    study = Study(
        _schemes(schemes),
        _numbers("--densities", densities, float),
        _numbers("--seeds", seeds, int),
        data=data,
        model=model.value,
        epochs=epochs,
        batch_size=batch_size,
        learning_rates=_rates(learning_rate, dense_learning_rate),
        l1=l1,
        weight_decay=weight_decay,
        temperature=temperature,
        shift=shift,
        attack=against,
        objective=None if objective is None else objective.value,
        n_train=train_samples,
        n_test=test_samples,
    )
    try:
        result = run_study(
            study, out, address=address, workers=workers, progress=wants_progress(), tell=say
        )
    except KeyboardInterrupt:
        written = (out / "results.csv").exists()
        kept = f"the tables of the finished cells are written to {out}; " if written else ""
        say(f"interrupted: {kept}the same command goes on")
        raise
    if as_json:
        emit_json(_document(study, result))
    else:
        _show(study, result)
    if result.failures:
        for key, error in result.failures.items():
            say(f"failed: {key}: {error.strip().splitlines()[-1]}")
        say(f"tracebacks are in {out}/cells/*.error.json; the same command tries them again")
        raise typer.Exit(CHECK_FAILED)


def _needs(option: str, given: dict[str, Any]) -> None:
    """Refuse options that say nothing without another one."""
    for name, value in given.items():
        if value is not None:
            raise typer.BadParameter(f"{name}: give {option} too")


def _rates(sparse: float | None, dense: float | None) -> tuple[float, float] | None:
    if sparse is None:
        _needs("--learning-rate", {"--dense-learning-rate": dense})
        return None
    return sparse, sparse if dense is None else dense


def _schemes(text: str) -> tuple[str, ...]:
    if text == "all":
        from neurosparse.sparsify import CATALOGUE

        return tuple(CATALOGUE)
    return tuple(part.strip() for part in text.split(","))


def _numbers(option: str, text: str, kind: type) -> tuple[Any, ...]:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        what = "whole numbers, as in 0,1,2" if kind is int else "numbers, as in 0.02,0.1"
        raise typer.BadParameter(f"{option}: got {text!r}; expected {what}") from None


def _document(study: Study, result: SweepResult) -> dict[str, Any]:
    return {
        "folder": str(result.folder),
        "study": study.to_dict(),
        "cells": len(study.cells()),
        "finished": len(result.rows),
        "run_now": result.n_run,
        "results": [_without_epochs(row) for row in result.rows],
        "failures": result.failures,
    }


def _without_epochs(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "epoch_rows"}


def _show(study: Study, result: SweepResult) -> None:
    from neurosparse.sweep.summary import SUMMARY_COLUMNS, summary_table

    if result.rows:
        title = f"{len(result.rows)} of {len(study.cells())} cells, {study.model} on {study.data}"
        show_table(title, SUMMARY_COLUMNS, summary_table(result.rows))
    emit(f"tables, figures and page: {result.folder}")
