"""``neurosparse map``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosparse.cli.inputs import check_output_file, encoding_of, first_samples, load_task
from neurosparse.cli.options import Json, NetworkData, NetworkFile, NetworkSeed
from neurosparse.cli.output import emit, emit_json, say, show_table
from neurosparse.errors import ParameterError

if TYPE_CHECKING:
    from neurosparse.hardware import Board, Chip
    from neurosparse.loihi.mapping import Core, Mapping
    from neurosparse.network import Activity, Network

__all__ = ["map_to_cores"]

MOST_ROWS = 32  # cores that are shown one by one


class MethodChoice(str, Enum):
    """Ways to place a network by name."""

    auto = "auto"
    greedy = "greedy"
    metis = "metis"
    sequential = "sequential"


def map_to_cores(
    network: NetworkFile,
    chip: Annotated[
        str | None,
        typer.Option("--chip", metavar="NAME|FILE", help="loihi1, loihi2, or a file of yours."),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            "--board",
            metavar="NAME|FILE",
            help="A board instead of a chip, such as nahuku-32 or kapoho-point: does it fit?",
        ),
    ] = None,
    method: Annotated[
        MethodChoice,
        typer.Option("--method", help="How to place it; auto tries all and keeps the best."),
    ] = MethodChoice.auto,
    samples: Annotated[
        int | None,
        typer.Option(
            "--samples",
            min=1,
            help="Run so many test images first: their spikes weigh the messages between cores, "
            "and tell energy and time.",
        ),
    ] = None,
    data: NetworkData = None,
    seed: NetworkSeed = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the mapping here (.json).")
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option("--split", help="Write the network with a population per block here (.npz)."),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", help="Draw how full the cores are (.png, .pdf, .svg)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Place a network on the cores of a chip; say what limits it."""
    from neurosparse.hardware import load_board, load_chip
    from neurosparse.loihi.mapping import map_network, rates_of, split_network
    from neurosparse.network import Network

    if chip is not None and board is not None:
        raise ParameterError("--chip, --board: give one; a board says which chip it has")
    target = load_board(board) if board is not None else load_chip(chip or "loihi2")
    taken = {network.resolve(): "NETWORK"}
    for option, path in (("--out", out), ("--split", split), ("--figure", figure)):
        if path is None:
            continue
        check_output_file(path)
        if (owner := taken.get(path.resolve())) is not None:
            raise ParameterError(f"{option}: {path} is what {owner} names; give another file")
        taken[path.resolve()] = option
    net, metadata = Network.load_with_metadata(network)
    if samples is None and (data is not None or seed is not None):
        raise ParameterError("--data, --seed: are for --samples, which says how many images to run")
    counted = None if samples is None else _run_samples(net, metadata, data, seed, samples)
    rates = None if counted is None else rates_of(net, counted)
    mapping = map_network(net, target, method=method.value, rates=rates)
    mapping.verify(net)
    document = {"network": str(network), **mapping.summary()}
    if board is not None:
        document["board"] = _describe_board(mapping, target)
    if counted is not None and samples is not None:
        document["per_inference"] = _price(mapping, net, counted, samples, target)
    if out is not None:
        mapping.save(out)
    if split is not None:
        split_network(net, mapping).save(split, metadata)
    if figure is not None:
        _draw(mapping, figure)
    if as_json:
        emit_json(document)
    else:
        _show(mapping, document)
    for remark in mapping.remarks:
        say(f"note: {remark}")
    if document.get("board", {}).get("fits") is False:
        say(f"does not fit: {document['board']['boards']} of this board are needed")
        raise typer.Exit(1)


def _run_samples(
    network: Network, metadata: dict[str, Any], data: str | None, seed: int | None, samples: int
) -> Activity:
    from neurosparse.compare import evaluate_dataset

    encoding = encoding_of(metadata)
    name, _, _, test = load_task(metadata, data, seed)
    say(f"running {samples} test images of {name}, {encoding.n_steps} steps each")
    return evaluate_dataset(network, first_samples(test, samples), encoding).activity


def _describe_board(mapping: Mapping, board: Any) -> dict[str, Any]:
    boards = mapping.boards_needed(board)
    return {"name": board.name, "cores": board.n_cores, "boards": boards, "fits": boards == 1}


def _price(
    mapping: Mapping, network: Network, counted: Activity, samples: int, target: Board | Chip
) -> dict[str, Any]:
    from neurosparse.loihi.mapping import predict_mapping_cost

    cost = predict_mapping_cost(mapping, network, counted, target, n_inferences=samples)
    return {
        "samples": samples,
        "mark": "estimated",
        "energy_joule": list(cost.energy_j),
        "time_seconds": list(cost.time_s),
        "confidence": cost.confidence,
        "sources": list(cost.sources),
        "without_a_price": sorted({*cost.unpriced_energy, *cost.unpriced_time}),
    }


def _draw(mapping: Mapping, path: Path) -> None:
    from neurosparse.loihi.mapping import plot_cores

    figure = plot_cores(mapping).figure
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        figure.savefig(path, dpi=150)
    except ValueError as error:
        raise ParameterError(f"--figure: {error}") from error


def _show(mapping: Mapping, document: dict[str, Any]) -> None:
    if mapping.n_cores <= MOST_ROWS:
        _show_cores(mapping)
    _show_limits(f"{document['network']} on {mapping.rules.chip}", mapping)
    unit = "spikes per step" if mapping.weighted else "axons"
    rows = [(t.method, t.n_cores, t.between_cores, t.from_outside) for t in _best(mapping)]
    show_table("", ("tried", "cores", f"{unit} between cores", "from outside"), rows)
    emit(str(mapping))
    if mapping.dense.reason:
        emit(f"dense does not fit: {mapping.dense.reason}")
    price = document.get("per_inference")
    if price:
        (low, high), (fast, slow) = price["energy_joule"], price["time_seconds"]
        emit(
            f"estimated per image: {1e6 * low:.3g} to {1e6 * high:.3g} uJ, {1e3 * fast:.3g} to "
            f"{1e3 * slow:.3g} ms (confidence {price['confidence']})"
        )


def _show_cores(mapping: Mapping) -> None:
    names = list(mapping.utilisation)
    rows = [
        (
            core.number,
            ", ".join(_extent(mapping, core)),
            *(f"{core.demand[name]:,} ({100 * core.utilisation[name]:.0f} %)" for name in names),
            core.demand["synapses"],
            core.limiting.replace("_", " "),
        )
        for core in mapping.cores
    ]
    words = [name.replace("_", " ") for name in names]
    show_table("", ("core", "holds", *words, "synapses", "nearest limit"), rows)


def _extent(mapping: Mapping, core: Core) -> list[str]:
    """Say which neurons of each population a core holds."""
    found = []
    for name, neurons in ((block.population, block.neurons) for block in core.blocks):
        first, last, size = int(neurons[0]), int(neurons[-1]), mapping.sizes[name]
        if neurons.size == size:
            found.append(name)
        elif last - first + 1 == neurons.size:
            found.append(f"{name} {first} to {last}")
        else:
            found.append(f"{neurons.size:,} of {name}")
    return found


def _show_limits(title: str, mapping: Mapping) -> None:
    nearest = mapping.limiting
    rows = [
        (
            name.replace("_", " "),
            mapping.rules.limits[name],
            f"{100 * shares.max():.1f} %",
            f"{100 * shares.mean():.1f} %",
            nearest.get(name, 0),
        )
        for name, shares in mapping.utilisation.items()
    ]
    columns = ("limit", "of a core", "most used", "mean", "nearest on cores")
    show_table(title, columns, rows)


def _best(mapping: Mapping) -> list[Any]:
    """Return the best trial of each method."""
    found: dict[str, Any] = {}
    for trial in mapping.trials:
        if trial.method not in found or trial[1:] < found[trial.method][1:]:
            found[trial.method] = trial
    return list(found.values())
