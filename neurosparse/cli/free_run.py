"""Run a network on Poisson events instead of images, as ``neurosparse simulate --poisson`` does."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosparse.cli.inputs import check_output_file
from neurosparse.cli.output import emit_json, say, show_table, wants_progress
from neurosparse.errors import ParameterError

if TYPE_CHECKING:
    from neurosparse.network import Network
    from neurosparse.simulate import Poisson, Run

__all__ = ["FreeRun", "run_freely"]

_PICTURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class FreeRun:
    """The options of a run without images; all as on the command line."""

    poisson: Sequence[str]
    steps: int | None
    seed: int | None
    threads: int
    progress: bool | None
    stream: Path | None
    checkpoint: Path | None
    resume: Path | None
    plot: Path | None


def run_freely(path: Path, options: FreeRun, *, as_json: bool) -> None:
    """Run, write what was asked for, and print what was counted.

    Raises
    ------
    ParameterError
        If options do not fit together, before anything is run.
    """
    from neurosparse.network import Network
    from neurosparse.network.atomic import atomic_write

    if options.steps is None:
        raise ParameterError("--steps: needed, as there are no images; give how many to run")
    if options.plot is not None and options.stream is not None:
        raise ParameterError(
            "--plot, --stream: give one of them; neurosparse.simulate.Recording reads the parts "
            "of a streamed run that are to be drawn"
        )
    for file in (options.stream, options.checkpoint, options.plot):
        if file is not None:
            check_output_file(file)
    axes = None if options.plot is None else _axes(options.plot)
    run = _simulate(Network.load(path), options)
    if options.plot is not None:
        from neurosparse.plot import raster

        picture = io.BytesIO()
        raster(run, ax=axes).figure.savefig(picture, format=options.plot.suffix[1:], dpi=150)
        with atomic_write(options.plot) as target:
            target.write(picture.getbuffer())
    document = _document(path, options, run)
    if as_json:
        emit_json(document)
        return
    title = f"{path}: steps {run.start} to {run.start + run.n_steps - 1}"
    show_table(
        title,
        ("population", "spikes", "per neuron and step"),
        [(name, *counted.values()) for name, counted in document["populations"].items()],
    )
    show_table("", ("projection", "synaptic events"), list(document["synaptic_events"].items()))
    for name in ("stream", "checkpoint", "plot"):
        if document[name] is not None:
            say(f"{name}: {document[name]}")


def _simulate(network: Network, options: FreeRun) -> Run:
    import numpy as np

    from neurosparse.simulate import State, simulate

    state = None if options.resume is None else State.load(options.resume)
    inputs = _poisson(options.poisson)
    # a run that is continued goes on with its own random streams
    fresh = options.seed is not None or state is None or state.key is None
    progress = options.progress
    if progress is None:
        progress = wants_progress() and find_spec("tqdm") is not None
    for file in (options.stream, options.checkpoint):
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
    return simulate(
        network,
        inputs,
        options.steps,
        state=state,
        rng=np.random.default_rng(options.seed or 0) if fresh else None,
        threads=options.threads,
        stream=options.stream,
        checkpoint=options.checkpoint,
        progress=progress,
    )


def _poisson(given: Sequence[str]) -> dict[str, Poisson]:
    """Read NAME=RATE or NAME=RATE:WEIGHT."""
    from neurosparse.simulate import Poisson

    inputs: dict[str, Poisson] = {}
    for text in given:
        name, _, numbers = text.rpartition("=")
        rate, colon, weight = numbers.partition(":")
        try:
            values = float(rate), float(weight) if colon else 1.0
        except ValueError:
            name = ""
        if not name:
            raise ParameterError(
                f"--poisson: got {text!r}; expected NAME=RATE or NAME=RATE:WEIGHT, the rate in "
                "events per neuron and step"
            )
        if name in inputs:
            raise ParameterError(f"--poisson: {name!r} is named twice; name it once")
        inputs[name] = Poisson(*values)
    return inputs


def _axes(path: Path) -> Any:
    """Return where to draw, before the run: matplotlib may be missing."""
    from neurosparse.plot.style import make_axes

    if path.suffix not in _PICTURES:
        raise ParameterError(f"--plot: got {path}; allowed is a name in {', '.join(_PICTURES)}")
    return make_axes(None, 9.0, 5.0)


def _document(path: Path, options: FreeRun, run: Run) -> dict[str, Any]:
    spikes = run.activity.spikes
    sizes = {name: population.size for name, population in run.network.populations.items()}

    def text(file: Path | None) -> str | None:
        return None if file is None else str(file)

    return {
        "network": str(path),
        "start": run.start,
        "steps": run.n_steps,
        "populations": {
            name: {
                "spikes": spikes[name],
                "spikes_per_neuron_and_step": spikes[name] / size / max(1, run.n_steps),
            }
            for name, size in sizes.items()
        },
        "synaptic_events": dict(run.activity.synaptic_events),
        "neuron_updates": run.activity.total_neuron_updates,
        "stream": text(options.stream),
        "checkpoint": text(options.checkpoint),
        "plot": text(options.plot),
    }
