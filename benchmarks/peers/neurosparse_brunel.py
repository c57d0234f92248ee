"""Brunel 2000 in neurosparse."""

from __future__ import annotations

from typing import Literal

from benchmarks.peers.neurosparse_trials import trials
from benchmarks.peers.serving import Answer, Trial, serve
from neurosparse.models import brunel


def build(
    n_neurons: int, drive: Literal["constant", "poisson"], warm_ms: float, run_ms: float
) -> tuple[Answer, Trial]:
    """Return what was prepared, and the function that runs one trial."""
    return trials(
        lambda rng: brunel(n_neurons, drive=drive, rng=rng),
        lambda rng: brunel(100, drive=drive, rng=rng),
        warm_ms,
        run_ms,
    )


if __name__ == "__main__":
    serve(build)
