"""Tests of training; skipped as a whole where torch is not installed."""

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'neurosparse[train]'")
pytest.importorskip("tqdm", reason="tqdm is not installed: pip install 'neurosparse[train]'")
