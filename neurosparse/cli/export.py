"""``neurosparse export``."""

from __future__ import annotations

import tempfile
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosparse.cli.options import Json, NetworkFile
from neurosparse.cli.output import emit, emit_json, show_table

__all__ = ["export"]


class SignChoice(str, Enum):
    """Sign modes by name."""

    mixed = "mixed"
    excitatory = "excitatory"
    inhibitory = "inhibitory"
    auto = "auto"


def export(
    network: NetworkFile,
    out: Annotated[Path, typer.Option("--out", help="Folder to make: the bundle.")],
    sign_mode: Annotated[
        SignChoice, typer.Option("--sign-mode", help="Of all projections; auto: as signs allow.")
    ] = SignChoice.mixed,
    keep_small: Annotated[
        bool, typer.Option("--keep-small", help="Keep synapses whose weights would round to 0.")
    ] = False,
    float_only: Annotated[
        bool, typer.Option("--float-only", help="Do not quantise; for Lava's floating_pt only.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and report, but write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Quantise a network and write it as a Lava bundle."""
    from neurosparse.loihi import quantise, write_bundle
    from neurosparse.network import Network

    net, metadata = Network.load_with_metadata(network)
    integers = None
    if not (float_only or net.is_integer):
        integers = quantise(net, sign_mode=sign_mode.value, keep_small=keep_small)
    with tempfile.TemporaryDirectory(prefix="neurosparse-export-") as scratch:
        target = Path(scratch) / "bundle" if dry_run else out
        bundle = write_bundle(target, net, integers, metadata)
        exported = bundle.networks.get("fixed_pt", net)
        rows: list[dict[str, Any]] = [
            {
                "name": projection.name,
                "sign_mode": projection.format.sign_mode if projection.format else None,
                "synapses": projection.synapses.n_active,
                "pruned": integers.pruned[projection.name] if integers else 0,
                "largest_error": integers.error[projection.name] if integers else 0.0,
                "scale": bundle.scales.get(projection.target),
            }
            for projection in exported.projections
        ]
    if as_json:
        emit_json(
            {
                "network": str(network),
                "bundle": None if dry_run else str(out),
                "tags": list(bundle.networks),
                "scales": bundle.scales,
                "projections": rows,
                "synapses": exported.n_synapses,
                "pruned": sum(row["pruned"] for row in rows),
            }
        )
        return
    columns = ("projection", "signs", "synapses", "rounded to 0", "largest error", "scale")
    title = f"{network} for {' and '.join(bundle.networks)}; errors in integer weight units"
    show_table(title, columns, [tuple(row.values()) for row in rows])
    emit("nothing was written" if dry_run else f"bundle: {out}")
