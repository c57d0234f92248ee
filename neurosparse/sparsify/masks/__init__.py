"""Schemes that keep dense state: a weight for every potential synapse, and masks over them."""

from neurosparse.sparsify.masks.lagrangian import HardThreshold, Lagrangian, SoftThreshold
from neurosparse.sparsify.masks.momentum import MomentumExchange
from neurosparse.sparsify.masks.scheme import (
    DrawMask,
    KeepLargest,
    MaskRule,
    MaskScheme,
    MaskView,
    RequireFull,
)
from neurosparse.sparsify.masks.walk import SoftWalk

__all__ = [
    "DrawMask",
    "HardThreshold",
    "KeepLargest",
    "Lagrangian",
    "MaskRule",
    "MaskScheme",
    "MaskView",
    "MomentumExchange",
    "RequireFull",
    "SoftThreshold",
    "SoftWalk",
]
