"""Descriptions of chips and boards, and what a network costs on them.

Every number comes with its unit, its source and how far to trust it. ``hardware/README.md``
explains the files.
"""

from neurosparse.hardware.board import Board
from neurosparse.hardware.chip import Chip
from neurosparse.hardware.cost import CoreCounts, Cost, predict_cost
from neurosparse.hardware.encoding import SynapseEncoding
from neurosparse.hardware.files import available_boards, available_chips
from neurosparse.hardware.limits import LIMITS, LimitName
from neurosparse.hardware.load import load_board, load_chip
from neurosparse.hardware.quantity import Choice, Confidence, Quantity
from neurosparse.hardware.tables import CostTable, Operation

__all__ = [
    "LIMITS",
    "Board",
    "Chip",
    "Choice",
    "Confidence",
    "CoreCounts",
    "Cost",
    "CostTable",
    "LimitName",
    "Operation",
    "Quantity",
    "SynapseEncoding",
    "available_boards",
    "available_chips",
    "load_board",
    "load_chip",
    "predict_cost",
]
