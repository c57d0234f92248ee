"""``neurosparse export``."""

from __future__ import annotations

import tempfile
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosparse.cli.inputs import encoding_of, first_samples, load_task
from neurosparse.cli.options import Json, NetworkData, NetworkFile, NetworkSeed
from neurosparse.cli.output import emit, emit_json, say, show_table, wants_progress
from neurosparse.errors import ParameterError

if TYPE_CHECKING:
    from neurosparse.loihi import Bundle, Calibration, Quantisation
    from neurosparse.network import Network

__all__ = ["export"]


class SignChoice(str, Enum):
    """Sign modes by name."""

    mixed = "mixed"
    excitatory = "excitatory"
    inhibitory = "inhibitory"
    auto = "auto"


class ScaleChoice(str, Enum):
    """Scale rules by name."""

    population = "population"
    projection = "projection"


def export(
    network: NetworkFile,
    out: Annotated[Path, typer.Option("--out", help="Folder to make: the bundle.")],
    sign_mode: Annotated[
        SignChoice, typer.Option("--sign-mode", help="Of all projections; auto: as signs allow.")
    ] = SignChoice.mixed,
    weight_bits: Annotated[
        int, typer.Option("--weight-bits", min=1, max=8, help="Of all weights.")
    ] = 8,
    scale: Annotated[
        ScaleChoice,
        typer.Option(
            "--scale", help="One for all weights of a population, or an exponent per projection."
        ),
    ] = ScaleChoice.population,
    percentile: Annotated[
        float,
        typer.Option("--percentile", help="The grid ends there; larger weights are clipped."),
    ] = 100.0,
    keep_small: Annotated[
        bool, typer.Option("--keep-small", help="Keep synapses whose weights would round to 0.")
    ] = False,
    float_only: Annotated[
        bool, typer.Option("--float-only", help="Do not quantise; for Lava's floating_pt only.")
    ] = False,
    calibrate: Annotated[
        int | None,
        typer.Option(
            "--calibrate",
            min=1,
            metavar="N",
            help="Compare floats and integers on the first so many test images.",
        ),
    ] = None,
    data: NetworkData = None,
    seed: NetworkSeed = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and report, but write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Quantise a network and write it as a Lava bundle."""
    from neurosparse.loihi import quantise, write_bundle
    from neurosparse.network import Network

    net, metadata = Network.load_with_metadata(network)
    asked = {
        "--sign-mode": sign_mode is not SignChoice.mixed,
        "--weight-bits": weight_bits != 8,
        "--scale": scale is not ScaleChoice.population,
        "--percentile": percentile != 100.0,
        "--keep-small": keep_small,
    }
    idle = [option for option, given in asked.items() if given]
    if idle and (float_only or net.is_integer):
        why = "--float-only" if float_only else "the network holds integers already"
        raise ParameterError(f"{', '.join(idle)}: nothing is quantised ({why})")
    if calibrate is None and (data is not None or seed is not None):
        raise ParameterError("--data, --seed: are for --calibrate, which says how many images")
    integers = calibration = None
    if not (float_only or net.is_integer):
        integers = quantise(
            net,
            sign_mode=sign_mode.value,
            num_weight_bits=weight_bits,
            scale=scale.value,
            percentile=percentile,
            keep_small=keep_small,
        )
    if calibrate is not None:
        calibration = _calibration(net, integers, metadata, calibrate, data, seed)
    with tempfile.TemporaryDirectory(prefix="neurosparse-export-") as scratch:
        target = Path(scratch) / "bundle" if dry_run else out
        bundle = write_bundle(target, net, integers, metadata)
    rows = _rows(bundle, net, integers)
    if as_json:
        document = {
            "network": str(network),
            "bundle": None if dry_run else str(out),
            "tags": list(bundle.networks),
            "scales": bundle.scales,
            "projections": rows,
            "synapses": sum(row["synapses"] for row in rows),
            "pruned": sum(row["pruned"] for row in rows),
        }
        if calibration is not None:
            document["calibration"] = _numbers(calibration)
        emit_json(document)
        return
    columns = ["projection", "signs", "bits", "exponent", "synapses", "rounded to 0", "clipped"]
    columns += ["largest error", "rms error", "scale"]
    title = f"{network} for {' and '.join(bundle.networks)}; largest errors in integer weights"
    show_table(title, columns, [tuple(row.values()) for row in rows])
    if calibration is not None:
        emit(str(calibration))
    emit("nothing was written" if dry_run else f"bundle: {out}")


def _calibration(
    network: Network,
    integers: Quantisation | None,
    metadata: dict[str, Any],
    n_samples: int,
    data: str | None,
    seed: int | None,
) -> Calibration:
    from neurosparse.loihi import CalibrationSet, calibrate

    if integers is None:
        raise ParameterError(
            "--calibrate: compares a float network with its integers, and here is only one of them"
        )
    encoding = encoding_of(metadata)
    name, _, _, test = load_task(metadata, data, seed)
    test = first_samples(test, n_samples)
    say(f"running {len(test)} test images of {name} in floats and in integers")
    samples = CalibrationSet.encode(network, test, encoding)
    return calibrate(network, integers, samples, progress=wants_progress())


def _rows(bundle: Bundle, network: Network, integers: Quantisation | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for projection in bundle.networks.get("fixed_pt", network).projections:
        stored = projection.format
        loss = integers.weights[projection.name] if integers else None
        rows.append(
            {
                "name": projection.name,
                "sign_mode": stored.sign_mode if stored else None,
                "num_weight_bits": stored.num_weight_bits if stored else None,
                "weight_exp": stored.weight_exp if stored else None,
                "synapses": projection.synapses.n_active,
                "pruned": loss.pruned if loss else 0,
                "clipped": loss.clipped if loss else 0,
                "largest_error": loss.largest_error if loss else 0.0,
                "relative_rms_error": loss.relative_rms if loss else 0.0,
                "scale": bundle.scales.get(projection.target),
            }
        )
    return rows


def _numbers(calibration: Calibration) -> dict[str, Any]:
    return {
        "samples": calibration.n_samples,
        "steps": calibration.n_steps,
        "accuracy": calibration.accuracy,
        "fixed_accuracy": calibration.fixed_accuracy,
        "same_answers": calibration.same_answers,
        "populations": {
            name: {
                "rate": change.rate,
                "fixed_rate": change.fixed_rate,
                "spike_agreement": change.agreement,
            }
            for name, change in calibration.populations.items()
        },
    }
