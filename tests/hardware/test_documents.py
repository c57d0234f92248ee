"""What the documents say of chips: their code runs, and the names and numbers are the files'."""

import re
from pathlib import Path
from typing import get_args

from neurosparse.hardware import LIMITS, Operation, available_boards, load_board, load_chip

ROOT = Path(__file__).resolve().parents[2]
CHIPS = (ROOT / "docs" / "chips.md").read_text(encoding="utf-8")
FORMAT = (ROOT / "hardware" / "README.md").read_text(encoding="utf-8")


def test_the_code_runs_and_gives_what_stands_beside_it():
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", CHIPS, re.M | re.S):
        exec(block, names)
    assert names["cost"].unpriced_energy == ("barrier",)
    assert 0 < names["cost"].time_s[0] < names["cost"].time_s[1]
    assert names["chip"].limit("bits_per_neuron").confidence == "low"
    assert load_chip("loihi2").limit_or_none("input_axons_per_core") is None


def test_the_format_names_every_limit_and_operation():
    rows = re.search(r"\| name \| unit \|.*?\n(?=\n)", FORMAT, re.S).group()
    names = {
        name for row in rows.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert names == set(LIMITS)
    for operation in get_args(Operation):
        assert f"`{operation}`" in FORMAT


def test_the_costs_are_those_of_the_files():
    operations = {
        "synaptic event": "synaptic_event",
        "neuron update, inactive": "neuron_update_inactive",
        "neuron update, active": "neuron_update_active",
        "a neuron fires": "spike_out",
        "a message leaves for a core": "message_out",
        "a core takes a message in": "message_in",
        "a message goes to the next tile": "hop",
        "a barrier ends the step": "barrier",
    }
    rows = [row.split("|") for row in CHIPS.splitlines() if row.startswith("| ")]
    stated = {row[1].strip(): row[2:4] for row in rows}
    for label, operation in operations.items():
        for cell, name in zip(stated[label], ("davies2018", "sana_fe"), strict=True):
            table = load_chip("loihi1").table(name)
            bounds = [*(table.energy_of(operation) or ()), *(table.time_of(operation) or ())]
            expected = {bound.value for bound in bounds}
            assert {float(number) for number in re.findall(r"\d+\.?\d*", cell)} == expected, label


def test_the_boards_are_those_of_the_files():
    for name in available_boards():
        board = load_board(name)
        (row,) = [row for row in CHIPS.splitlines() if row.startswith("| ") and f"`{name}`" in row]
        assert f"{board.n_cores:,}" in row
        assert f"{int(board.n_chips.value):,}" in row
        assert board.n_chips.confidence in row
