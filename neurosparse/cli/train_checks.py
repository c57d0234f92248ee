"""What ``neurosparse train`` refuses before it trains, in the words of its options."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count, check_fraction, check_positive

if TYPE_CHECKING:
    from neurosparse.train import Preset

__all__ = ["check_choices", "check_fits_preset", "check_ranges", "parse_synapses"]


def check_choices(
    *,
    density: float | None,
    synapses: str | None,
    dense: bool,
    scheme: str | None,
    l1: float | None,
    temperature: float | None,
) -> None:
    """Refuse options that contradict each other.

    Raises
    ------
    ParameterError
        Naming them.
    """
    if sum((density is not None, synapses is not None, dense)) > 1:
        raise ParameterError("--density, --synapses, --dense: give one of them")
    of_schemes = {"--scheme": scheme, "--l1": l1, "--temperature": temperature}
    given = [option for option, value in of_schemes.items() if value is not None]
    if dense and given:
        raise ParameterError(
            f"--dense, {', '.join(given)}: contradict each other, as the dense twin keeps every "
            f"synapse; leave out --dense or {' and '.join(given)}"
        )


def check_ranges(
    *,
    density: float | None,
    learning_rate: float | None,
    rate_target: float | None,
    **not_negative: float | None,
) -> None:
    """Refuse numbers out of range, also those that the scheme would not ask for.

    Raises
    ------
    ParameterError
        Naming the option.
    """
    if density is not None:
        check_fraction("--density", density)
    if learning_rate is not None:
        check_positive("--learning-rate", learning_rate)
    if rate_target is not None:
        check_fraction("--rate-target", rate_target, open_below=False)
    for name, value in not_negative.items():
        if value is not None and not 0 <= value < math.inf:
            option = "--" + name.replace("_", "-")
            raise ParameterError(f"{option}: got {value}; allowed is >= 0, finite")


def parse_synapses(text: str) -> tuple[int, ...]:
    """Return the synapses of every layer, from ``A,B,C``.

    Raises
    ------
    ParameterError
        If they are no whole numbers.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ParameterError(
            f"--synapses: got {text!r}; expected whole numbers, one per layer, as in 1700,2900,440"
        ) from None


def check_fits_preset(preset: Preset, synapses: Sequence[int] | None, shift: int | None) -> None:
    """Refuse what a preset's layers or samples have no room for.

    Raises
    ------
    ParameterError
        Naming the option.
    """
    if shift is not None:
        check_count("--shift", shift, most=min(preset.shape[-2:]) - 1)
    if synapses is None:
        return
    pairs = list(itertools.pairwise(preset.sizes))
    if len(synapses) != len(pairs):
        raise ParameterError(f"--synapses: got {len(synapses)} numbers for {len(pairs)} layers")
    for layer, (count, (n_pre, n_post)) in enumerate(zip(synapses, pairs, strict=True), 1):
        if not 1 <= count <= n_pre * n_post:
            raise ParameterError(
                f"--synapses: got {count} for layer {layer}, {n_pre} to {n_post} neurons; "
                f"allowed is 1 to {n_pre * n_post}"
            )
