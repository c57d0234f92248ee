"""Fixtures and hypothesis profiles for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from neurosparse.data.places import data_folders

ROOT = Path(__file__).resolve().parents[1]

# No deadlines: the first example of a test may compile a kernel, and CI machines are shared.
settings.register_profile("dev", deadline=None, max_examples=30)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=40,
    derandomize=True,  # the same examples in every run: red means that the change is to blame
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# compiled with every index checked; the values are the other lane's business
settings.register_profile("bounds", settings.get_profile("ci"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator with the same stream in every run."""
    return np.random.default_rng(20250711)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real data sets, or skip."""
    for folder in data_folders():
        if folder.is_dir():
            return folder
    pytest.skip("no data sets: NEUROSPARSE_DATA is not set to a folder, nor is ../shared/data one")
