"""Packages that only an extra installs: there, or an error that says how to get them."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from neurosparse.errors import BackendMissingError
from neurosparse.optional import load_optional


def test_what_is_there_is_returned() -> None:
    assert load_optional("numpy", "numbers", "none") is np
    assert load_optional("numpy.linalg", "numbers", "none") is np.linalg


@pytest.mark.parametrize("module", ["rare", "rare.part"])
def test_what_is_not_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, "rare", None)
    message = "dreams need rare, which is not installed; pip install 'neurosparse[sleep]'"
    with pytest.raises(BackendMissingError, match=re.escape(message)) as caught:
        load_optional(module, "dreams", "sleep")
    assert isinstance(caught.value.__cause__, ImportError)
