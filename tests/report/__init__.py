"""Tests of the report; skipped as a whole where one of its parts is not installed."""

import pytest

for _package, _extra in (("torch", "train"), ("matplotlib", "report"), ("jinja2", "report")):
    pytest.importorskip(_package, reason=f"pip install 'neurosparse[{_extra}]'")
