"""CUBA in neurosparse."""

from __future__ import annotations

from benchmarks.peers.neurosparse_trials import trials
from benchmarks.peers.serving import Answer, Trial, serve
from neurosparse.models import cuba


def build(n_neurons: int, warm_ms: float, run_ms: float) -> tuple[Answer, Trial]:
    """Return what was prepared, and the function that runs one trial."""
    return trials(
        lambda rng: cuba(n_neurons, rng=rng), lambda rng: cuba(200, rng=rng), warm_ms, run_ms
    )


if __name__ == "__main__":
    serve(build)
