"""``neurosparse convert``."""

from __future__ import annotations

import warnings
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosparse.cli.options import Json
from neurosparse.cli.output import emit, emit_json, say
from neurosparse.errors import ParameterError

if TYPE_CHECKING:
    from neurosparse.network import Network

__all__ = ["convert"]

READ = (".npz", ".nir", ".net")
WRITTEN = (".npz", ".nir")


class ResetChoice(str, Enum):
    """Resets by name."""

    zero = "zero"
    subtract = "subtract"


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A network: .npz, .nir (NIR), .net (lava-dl).")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="File to write: .npz or .nir (NIR).")
    ],
    dt: Annotated[
        float | None,
        typer.Option("--dt", help="Seconds of a step, for NIR. Default: what is noted, or 1e-4."),
    ] = None,
    reset: Annotated[
        ResetChoice | None,
        typer.Option("--reset", help="What neurons of a .nir do at a spike. Default: zero."),
    ] = None,
    refractory: Annotated[
        bool, typer.Option("--refractory", help="Heed the refDelay of a .net; Lava does not.")
    ] = False,
    message_bits: Annotated[
        int, typer.Option("--message-bits", min=0, help="Of the input spikes of a .net.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Convert a network from or to NIR, or from lava-dl's NetX."""
    kinds = source.suffix.lower(), target.suffix.lower()
    _check(source, target, kinds, dt, reset, refractory, message_bits)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        network, notes = _read(source, kinds[0], dt, reset, refractory, message_bits)
        _write(network, notes, target, kinds[1], dt)
    messages = [str(each.message) for each in caught if each.category is UserWarning]
    for message in messages:
        say(f"warning: {message}")
    left_out = sorted(notes) if kinds[1] == ".nir" else []
    if left_out:
        say(f"warning: NIR has no place for the notes {', '.join(left_out)}; they are left out")
    if as_json:
        emit_json(
            {
                "source": str(source),
                "target": str(target),
                "kind": "integer" if network.is_integer else "float",
                "neurons": network.n_neurons,
                "synapses": network.n_synapses,
                "latency": network.latency,
                "warnings": messages,
                "left_out": left_out,
            }
        )
        return
    emit(
        f"{target}: {'integer' if network.is_integer else 'float'} network of "
        f"{network.n_neurons:,} neurons and {network.n_synapses:,} synapses"
    )


def _check(
    source: Path,
    target: Path,
    kinds: tuple[str, str],
    dt: float | None,
    reset: ResetChoice | None,
    refractory: bool,
    message_bits: int,
) -> None:
    """Refuse files of other kinds, and options that would do nothing."""
    if kinds[0] not in READ:
        raise ParameterError(f"SOURCE: got {source}; allowed are files named {', '.join(READ)}")
    if kinds[1] not in WRITTEN:
        advice = " (lava-dl's NetX is read only)" if kinds[1] == ".net" else ""
        raise ParameterError(
            f"TARGET: got {target}; allowed are files named {', '.join(WRITTEN)}{advice}"
        )
    if source.resolve() == target.resolve():
        raise ParameterError(f"TARGET: got {target}, which is the source; give another file")
    useless = {
        "--dt": dt is not None and ".nir" not in kinds,
        "--reset": reset is not None and kinds[0] != ".nir",
        "--refractory": refractory and kinds[0] != ".net",
        "--message-bits": message_bits > 0 and kinds[0] != ".net",
    }
    for option, given in useless.items():
        if given:
            raise ParameterError(
                f"{option}: says nothing of {kinds[0]} to {kinds[1]}; leave it out"
            )


def _read(
    source: Path,
    kind: str,
    dt: float | None,
    reset: ResetChoice | None,
    refractory: bool,
    message_bits: int,
) -> tuple[Network, dict[str, Any]]:
    from neurosparse.interop import from_netx, from_nir
    from neurosparse.network import Network

    if kind == ".npz":
        return Network.load_with_metadata(source)
    if kind == ".nir":
        return from_nir(source, dt=dt, reset="zero" if reset is None else reset.value), {}
    return from_netx(source, refractory=refractory, input_message_bits=message_bits), {}


def _write(
    network: Network, notes: dict[str, Any], target: Path, kind: str, dt: float | None
) -> None:
    from neurosparse.interop import to_nir

    if kind == ".npz":
        network.save(target, notes)
    elif dt is None:
        to_nir(network, target)
    else:
        to_nir(network, target, dt=dt)
