"""Neurons as hypothesis draws them for several tests."""

from __future__ import annotations

from hypothesis import strategies as st

from neurosparse.network import LIF

__all__ = ["neurons"]


@st.composite
def neurons(draw: st.DrawFn) -> LIF:
    """Draw neurons whose numbers are not round, so that every sum is rounded."""
    unit = st.floats(0.01, 0.99)
    return LIF(
        du=draw(st.one_of(st.just(1.0), unit)),
        dv=draw(st.one_of(st.just(0.0), unit)),
        vth=draw(st.floats(0.3, 1.5)),
        bias=draw(st.one_of(st.just(0.0), st.floats(-0.1, 0.2))),
        v_reset=draw(st.one_of(st.just(0.0), st.floats(-0.5, 0.0))),
        reset=draw(st.sampled_from(("zero", "subtract"))),
    )
