"""``info`` on chips and boards, and the choice of a table of costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosparse.hardware import LIMITS, available_boards, available_chips, load_chip
from tests.cli.conftest import Invoke

InvokeJson = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("name", available_chips())
def test_info_prints_limits_and_tables_with_sources(invoke: Invoke, name: str) -> None:
    result = invoke("info", "--chip", name)
    assert result.exit_code == 0
    chip = load_chip(name)
    for limit, quantity in chip.limits.items():
        (line,) = [row for row in result.stdout.splitlines() if row.startswith(f"│ {limit} ")]
        for part in (LIMITS[limit].meaning, f"{quantity.value:,}", quantity.confidence):
            assert part in line
        assert quantity.source in line
    for table in chip.tables.values():
        assert table.title in result.stdout
        for quantity in (*table.energy.values(), *table.time.values()):
            assert quantity.source in result.stdout
    assert result.stdout.count("(default)") == 1


def test_info_on_a_chip_as_json(invoke_json: InvokeJson) -> None:
    got = invoke_json("info", "--chip", "loihi1")
    assert got["limits"]["cores"]["value"] == 128
    assert set(got["limits"]["cores"]) == {"value", "unit", "source", "confidence"}
    assert got["encoding"]["index_bits"]["values"] == [0, 6, 7, 8, 9, 10, 11, 12]
    assert got["default_table"] == "davies2018"
    davies = got["tables"]["davies2018"]
    assert davies["energy"]["synaptic_event"]["value"] == 23.6
    assert davies["prices"]["hop"] == ["hop_east_west", "hop_north_south"]


def test_info_on_a_chip_of_ones_own(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[chip]\nname = "mine"\ntitle = "My chip"\nnotes = "a\\nb"\n')
    assert invoke("info", "--chip", path).stdout == "mine: My chip\na b\n"


def test_info_on_a_board(invoke: Invoke, invoke_json: InvokeJson) -> None:
    text = invoke("info", "--board", "hala-point").stdout
    assert "140,544 cores of Loihi 2" in text
    assert "eenewseurope.com" in text
    got = invoke_json("info", "--board", "pohoiki-springs")
    assert (got["chip"], got["n_cores"], got["cores_per_chip"]) == ("loihi1", 98_304, None)
    assert got["n_chips"]["value"] == 768
    assert "24 Nahuku boards" in got["arrangement"]


def test_info_names_what_ships(invoke: Invoke, invoke_json: InvokeJson) -> None:
    got = invoke_json("info")
    assert got["chips"] == list(available_chips())
    assert got["boards"] == list(available_boards())
    text = invoke("info").stdout
    assert "chips: cmos-45nm, loihi1, loihi2" in text
    assert "boards: alia-point, hala-point" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--chip", "loihi9"), "chip: got 'loihi9'"),
        (("--board", "loihi1"), "board: got 'loihi1'"),
        (("--chip", "loihi1", "--board", "hala-point"), "several of FILE, --chip and --board"),
        (("net.npz", "--chip", "loihi1"), "several of FILE, --chip and --board"),
    ],
)
def test_info_refuses(invoke: Invoke, arguments: tuple[str, ...], told: str) -> None:
    result = invoke("info", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not result.stdout


def test_compare_with_another_table(
    invoke: Invoke, invoke_json: InvokeJson, network_file: Path
) -> None:
    loihi = ("compare", network_file, "--no-train", "--chip", "loihi1")
    default = invoke_json(*loihi)
    other = invoke_json(*loihi, "--table", "sana_fe")
    assert (default["table"], other["table"]) == ("davies2018", "sana_fe")
    energies = [got["models"]["snn"]["energy"] for got in (default, other)]
    assert [energy["table"] for energy in energies] == ["davies2018", "sana_fe"]
    events = [energy["terms"][0] for energy in energies]
    assert [term["operation"] for term in events] == ["synaptic_event"] * 2
    assert events[1]["low_joule"] / events[0]["low_joule"] == pytest.approx(33.6 / 23.6)
    refused = invoke(*loihi, "--table", "mine")
    assert refused.exit_code == 2
    assert "table: loihi1 has none called 'mine'; there are davies2018, sana_fe" in refused.stderr
    assert json.dumps(default["models"]["dense_ann"]["energy"]) == "null"
