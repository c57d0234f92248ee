"""Sweeps: schemes times densities times seeds on Ray, one tidy table, figures."""

from neurosparse.sweep.cell import Row, run_cell
from neurosparse.sweep.columns import EPOCH_COLUMNS, RESULT_COLUMNS, TIME_COLUMNS, Column
from neurosparse.sweep.folder import read_study
from neurosparse.sweep.run import SweepResult, run_study
from neurosparse.sweep.study import Attack, Cell, Study
from neurosparse.sweep.summary import Spread, by_scheme, spread
from neurosparse.sweep.tables import write_tables

__all__ = [
    "EPOCH_COLUMNS",
    "RESULT_COLUMNS",
    "TIME_COLUMNS",
    "Attack",
    "Cell",
    "Column",
    "Row",
    "Spread",
    "Study",
    "SweepResult",
    "by_scheme",
    "read_study",
    "run_cell",
    "run_study",
    "spread",
    "write_tables",
]
