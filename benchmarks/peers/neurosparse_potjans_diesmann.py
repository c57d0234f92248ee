"""The cortical microcircuit of Potjans and Diesmann in neurosparse."""

from __future__ import annotations

from benchmarks.peers.neurosparse_trials import trials
from benchmarks.peers.serving import Answer, Trial, serve
from neurosparse.models import potjans_diesmann

SMALL = 0.01


def build(parameters: str, scale: float, warm_ms: float, run_ms: float) -> tuple[Answer, Trial]:
    """Return what was prepared, and the function that runs one trial."""
    return trials(
        lambda rng: potjans_diesmann(parameters, scale=scale, rng=rng),
        lambda rng: potjans_diesmann(parameters, scale=SMALL, rng=rng),
        warm_ms,
        run_ms,
    )


if __name__ == "__main__":
    serve(build)
