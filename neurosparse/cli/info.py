"""``neurosparse info``."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosparse.cli.chips import board_dict, chip_dict, show_board, show_chip
from neurosparse.cli.options import Json
from neurosparse.cli.output import emit, emit_json, show_table
from neurosparse.errors import ParameterError

if TYPE_CHECKING:
    from neurosparse.network import Network

__all__ = ["info"]


def info(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A network (.npz) or a bundle (folder)."),
    ] = None,
    chip: Annotated[
        str | None,
        typer.Option("--chip", help="Limits and costs of a chip: a name, or a TOML file."),
    ] = None,
    board: Annotated[
        str | None, typer.Option("--board", help="Chips of a board: a name, or a TOML file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Describe a file, a chip, a board, or the installation."""
    from neurosparse.hardware import load_board, load_chip

    if sum(asked is not None for asked in (file, chip, board)) > 1:
        raise ParameterError("info: got several of FILE, --chip and --board; give one")
    if file is not None:
        _show_file(file, as_json)
    elif chip is not None:
        described = load_chip(chip)
        emit_json(chip_dict(described)) if as_json else show_chip(described)
    elif board is not None:
        standing = load_board(board)
        emit_json(board_dict(standing)) if as_json else show_board(standing)
    else:
        _show_installation(as_json)


def _show_file(file: Path, as_json: bool) -> None:
    from neurosparse.loihi import read_bundle
    from neurosparse.network import Network

    if file.is_dir():
        bundle = read_bundle(file)
        kind, networks, metadata = "bundle", dict(bundle.networks), bundle.metadata
    else:
        network, metadata = Network.load_with_metadata(file)
        kind, networks = "network", {"integer" if network.is_integer else "float": network}  # type: ignore[dict-item]
    described = {str(tag): _describe(network) for tag, network in networks.items()}
    if as_json:
        emit_json({"file": str(file), "kind": kind, "networks": described, "metadata": metadata})
        return
    for tag, values in described.items():
        _show_network(f"{file} ({kind}, {tag})", values)
    for name, value in metadata.items():
        emit(f"{name}: {value}")


def _describe(network: Network) -> dict[str, Any]:
    return {
        "neurons": network.n_neurons,
        "synapses": network.n_synapses,
        "potential_synapses": network.n_potential_synapses,
        "density": network.n_synapses / max(1, network.n_potential_synapses),
        "bytes": network.n_bytes,
        "latency": network.latency,
        "inputs": list(network.inputs),
        "outputs": list(network.outputs),
        "populations": [
            {"name": name, "size": population.size, "neuron": _neuron(population.neuron)}
            for name, population in network.populations.items()
        ],
        "projections": [
            {
                "name": projection.name,
                "synapses": projection.synapses.n_active,
                "potential_synapses": projection.synapses.n_potential,
                "density": projection.synapses.n_active / projection.synapses.n_potential,
                "delays": f"{projection.min_delay} to {projection.max_delay}"
                if projection.max_delay > projection.min_delay
                else str(projection.min_delay),
                "bytes": projection.synapses.n_bytes,
            }
            for projection in network.projections
        ],
    }


def _neuron(neuron: object) -> str:
    return "spike source" if neuron is None else type(neuron).__name__


def _show_network(title: str, values: dict[str, Any]) -> None:
    show_table(
        title, ("population", "size", "neuron"), [tuple(p.values()) for p in values["populations"]]
    )
    columns = ("projection", "synapses", "potential", "density", "delay", "bytes")
    show_table("", columns, [tuple(p.values()) for p in values["projections"]])
    emit(
        f"{values['synapses']:,} of {values['potential_synapses']:,} synapses "
        f"({100 * values['density']:.3g} %), {values['bytes']:,} bytes, answers "
        f"{values['latency']} steps after its input"
    )


def _show_installation(as_json: bool) -> None:
    from neurosparse import __version__
    from neurosparse.cli.parts import installed_parts
    from neurosparse.hardware import available_boards, available_chips

    parts = installed_parts()
    if as_json:
        own = {"neurosparse": __version__, "python": platform.python_version()}
        known = {"chips": list(available_chips()), "boards": list(available_boards())}
        emit_json({**own, "parts": parts, **known})
        return
    rows = [
        (
            part,
            "yes" if all(packages.values()) else "no",
            ", ".join(f"{name} {version or 'missing'}" for name, version in packages.items()),
        )
        for part, packages in parts.items()
    ]
    title = f"neurosparse {__version__}, Python {platform.python_version()}"
    show_table(title, ("part", "installed", "packages"), rows)
    emit(f"chips: {', '.join(available_chips())}")
    emit(f"boards: {', '.join(available_boards())}")
