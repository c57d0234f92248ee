"""One pool for all tests that need Ray, as it takes seconds to start."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from neurosparse.sweep import Study


@pytest.fixture(scope="package")
def pool() -> Iterator[Any]:
    """Ray, connected to a pool of two workers in this process."""
    pytest.importorskip("ray")
    from neurosparse.sweep.pool import ray_pool

    logging.getLogger("ray").setLevel(logging.ERROR)
    with ray_pool(None, 2) as ray:
        yield ray


@pytest.fixture
def small_study() -> Study:
    """Eight cells that take a fraction of a second each."""
    return Study(["static", "deep_r"], [0.05, 0.2], [0, 1], epochs=2, n_train=120, n_test=60)


def without_times(rows: Any) -> list[dict[str, Any]]:
    """Return rows, those of epochs inside too, without what the clock had a say in."""
    from neurosparse.sweep import TIME_COLUMNS

    def strip(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in TIME_COLUMNS}

    return [
        {**strip(row), "epoch_rows": [strip(epoch) for epoch in row["epoch_rows"]]} for row in rows
    ]
