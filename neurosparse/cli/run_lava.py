"""``neurosparse run-lava``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosparse.cli.inputs import encoding_of, first_samples, load_task
from neurosparse.cli.options import Interpreter, Json, NetworkData, NetworkSeed, Timeout
from neurosparse.cli.output import emit_json, say
from neurosparse.cli.tables import show_lava, show_lava_layers

__all__ = ["run_lava"]


class TagChoice(str, Enum):
    """Lava's models by name."""

    floating_pt = "floating_pt"
    fixed_pt = "fixed_pt"
    both = "both"


def run_lava(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder written by export.")],
    data: NetworkData = None,
    samples: Annotated[
        int, typer.Option("--samples", min=1, help="First so many test images.")
    ] = 10,
    tag: Annotated[
        TagChoice, typer.Option("--tag", help="Lava's models; both: all that the bundle holds.")
    ] = TagChoice.both,
    interpreter: Interpreter = None,
    timeout: Timeout = 300.0,
    record: Annotated[
        list[str] | None,
        typer.Option("--record", metavar="POP", help="Compare its u and v too (repeatable)."),
    ] = None,
    per_layer: Annotated[
        bool, typer.Option("--per-layer", help="One row per population, with the first mismatch.")
    ] = False,
    seed: NetworkSeed = None,
    as_json: Json = False,
) -> None:
    """Run test images in Lava; check that every spike agrees."""
    from neurosparse.compare import check_dataset_in_lava
    from neurosparse.loihi import read_bundle

    exported = read_bundle(bundle)
    encoding = encoding_of(exported.metadata)
    name, split, _, test = load_task(exported.metadata, data, seed)
    test = first_samples(test, samples)
    tags = list(exported.networks) if tag is TagChoice.both else [tag.value]
    outcomes: dict[str, dict[str, Any]] = {}
    differing: list[str] = []
    for each in tags:
        say(f"running {len(test)} test images of {name} in Lava, {each}")
        outcome = check_dataset_in_lava(
            exported,
            each,
            test,
            encoding,
            record=record or (),
            interpreter=interpreter,
            timeout_s=timeout,
        )
        outcomes[each] = outcome.to_dict() | outcome.details()
        traces = outcome.check.traces
        if record:
            outcomes[each]["values_compared"] = traces.n_compared
            outcomes[each]["value_mismatches"] = traces.n_mismatches
        first = outcome.check.spikes.first or traces.first
        if first is not None:
            differing.append(f"{each}: first difference at {first}")
    if as_json:
        document = {"bundle": str(bundle), "dataset": name, "seed": split, "lava": outcomes}
        emit_json(document | {"agrees": not differing})
    else:
        show_lava(f"{bundle}: every spike against our engines", outcomes)
        if per_layer:
            show_lava_layers("population by population", outcomes)
    for text in differing:
        say(text)
    if differing:
        raise typer.Exit(1)
