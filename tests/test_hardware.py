"""Chip descriptions: what ships, and what a broken file is told."""

import pytest

from neurosparse.errors import ParameterError, StorageError
from neurosparse.hardware import Chip, available_chips, load_chip

GOOD = """
[chip]
name = "mine"
title = "My chip"
[prices]
mac = "mac"
neuron_update = ["idle", "busy"]
[energy.mac]
value = 2
unit = "nJ"
source = "me"
confidence = "low"
[energy.idle]
value = 900
unit = "fJ"
source = "me"
confidence = "low"
[energy.busy]
value = 1
unit = "pJ"
source = "me"
confidence = "low"
[limits.weight_exponent_min]
value = -7
unit = "1"
source = "me"
confidence = "low"
[time.step]
value = 1.5
unit = "us"
source = "me"
confidence = "low"
"""


def write(tmp_path, text, name="mine"):
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_chips_of_the_issue_ship():
    assert available_chips() == ("cmos-45nm", "loihi1", "loihi2")


@pytest.mark.parametrize("name", available_chips())
def test_every_shipped_number_has_a_source_and_every_price_is_ordered(name):
    chip = load_chip(name)
    assert chip.name == name
    for section in (chip.limits, chip.energy, chip.time):
        for quantity in section.values():
            assert quantity.source.strip()
            assert quantity.confidence in ("high", "medium", "low")
    for operation in chip.prices:
        low, high = chip.price(operation)
        assert 0 < low.si <= high.si < 1e-9


# Horowitz, ISSCC 2014 and Davies et al., IEEE Micro 2018, table 2
@pytest.mark.parametrize(
    ("chip", "energy", "joule"),
    [
        ("cmos-45nm", "add_float32", 0.9e-12),
        ("cmos-45nm", "mult_float32", 3.7e-12),
        ("cmos-45nm", "mac_float32", 4.6e-12),
        ("cmos-45nm", "add_int8", 0.03e-12),
        ("cmos-45nm", "mult_int8", 0.2e-12),
        ("cmos-45nm", "add_int32", 0.1e-12),
        ("cmos-45nm", "mult_int32", 3.1e-12),
        ("cmos-45nm", "dram_64bit_max", 2.6e-9),
        ("loihi1", "synaptic_event", 23.6e-12),
        ("loihi1", "neuron_update_active", 81e-12),
        ("loihi1", "neuron_update_inactive", 52e-12),
        ("loihi1", "spike_within_tile", 1.7e-12),
        ("loihi1", "hop_east_west", 3e-12),
        ("loihi1", "hop_north_south", 4e-12),
    ],
)
def test_published_energies(chip, energy, joule):
    assert load_chip(chip).energy[energy].si == pytest.approx(joule, rel=1e-12)


def test_derived_energies_follow_from_the_published_ones():
    energy = load_chip("cmos-45nm").energy
    add, mult = energy["add_float32"].value, energy["mult_float32"].value
    assert energy["mac_float32"].value == pytest.approx(add + mult)
    assert energy["lif_update_float32"].value == pytest.approx(2 * mult + 4 * add)
    assert energy["lif_update_float32"].confidence == "low"


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("cores", 128),
        ("neurons_per_core", 1024),
        ("synapse_bits_per_core", 128 * 1024 * 8),
        ("input_axons_per_core", 4096),
        ("output_axons_per_core", 4096),
        ("decay_bits", 12),
        ("threshold_mantissa_bits", 17),
        ("bias_exponent_max", 7),
    ],
)
def test_limits_of_loihi1(limit, value):
    assert load_chip("loihi1").limit(limit).value == value


def test_energies_of_loihi2_are_a_stand_in_and_say_so():
    first, second = load_chip("loihi1"), load_chip("loihi2")
    assert "stand-in" in second.title
    for name, quantity in second.energy.items():
        assert quantity.value == first.energy[name].value
        assert quantity.confidence == "low"
        assert "Loihi 1" in quantity.source


def test_a_file_of_ones_own(tmp_path):
    chip = load_chip(write(tmp_path, GOOD))
    assert isinstance(chip, Chip)
    assert chip.limit("weight_exponent_min").si == -7
    assert chip.time["step"].si == pytest.approx(1.5e-6)
    assert [bound.si for bound in chip.price("mac")] == [2e-9, 2e-9]
    assert [bound.si for bound in chip.price("neuron_update")] == pytest.approx([9e-13, 1e-12])


def test_what_a_chip_does_not_state_is_told():
    chip = load_chip("loihi1")
    with pytest.raises(
        ParameterError, match=r"limit: loihi1 states none called 'gates'; there are c"
    ):
        chip.limit("gates")
    with pytest.raises(
        ParameterError, match=r"price: loihi1 has none for 'mac'; there are synaptic"
    ):
        chip.price("mac")


@pytest.mark.parametrize("name", ["loihi3", "", "no/such/file.toml"])
def test_an_unknown_chip_names_the_known_ones(name):
    with pytest.raises(ParameterError, match="allowed is cmos-45nm, loihi1, loihi2, or the path"):
        load_chip(name)


def test_all_problems_are_told_together(tmp_path):
    broken = (
        GOOD.replace('name = "mine"', 'name = "yours"\ncolour = "red"')
        .replace("value = 2\n", "value = nan\n")
        .replace('unit = "fJ"', 'unit = "kWh"')
        .replace('confidence = "low"', 'confidence = "sure"', 1)
        .replace("value = 1.5", "value = -1.5")
        .replace('[limits.weight_exponent_min]\nvalue = -7\nunit = "1"', "[limits.x]\nvalue = 1")
        .replace('neuron_update = ["idle', 'teleport = "mac"\nneuron_update = ["sleep')
    )
    with pytest.raises(StorageError) as caught:
        load_chip(write(tmp_path, broken + "\n[colours]\nred = 1\n"))
    message = str(caught.value)
    for part in (
        "10 problems",
        "[colours]: unknown",
        "[chip] colour: unknown",
        "[chip] name: got 'yours'; must be the file's, 'mine'",
        "[energy.mac] value: got nan; must be a finite number",
        "[energy.mac] confidence: got 'sure'; allowed is high, medium, low",
        "[energy.idle] unit: got 'kWh'; allowed is fJ, pJ, nJ, uJ, J",
        "[time.step] value: got -1.5; must not be negative",
        "[limits.x] must have exactly value, unit, source, confidence; got ['confidence', 's",
        "[prices] neuron_update: there is no [energy.sleep]",
        "[prices] teleport: unknown; allowed is mac, synaptic_event, neuron_update",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('["idle", "busy"]', '["busy", "idle"]', "busy is more than idle; low comes first"),
        ('["idle", "busy"]', '["idle"]', "must be one energy's name or two, low and high"),
        ('["idle", "busy"]', "3", "got 3; must be one energy's name or two"),
        ('source = "me"', 'source = " "', "source: must say where the number comes from"),
        ("value = 900", "value = true", "value: got True; must be a finite number"),
        ('title = "My chip"', "title = 7", "title: must be text, not empty"),
        ("[chip]", "[chip]\nnotes = 7", "notes: must be text"),
        ("[energy.mac]\n", "[chip.x]\n", r"\[chip\] x: unknown"),
    ],
)
def test_one_problem(tmp_path, old, new, match):
    with pytest.raises(StorageError, match=match):
        load_chip(write(tmp_path, GOOD.replace(old, new, 1)))


def test_a_file_that_is_not_toml(tmp_path):
    with pytest.raises(StorageError, match="not a readable TOML file"):
        load_chip(write(tmp_path, "value: 3"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StorageError, match="not a readable TOML file"):
        load_chip(tmp_path / "bytes.toml")
    with pytest.raises(StorageError, match="energy: must be a table"):
        load_chip(write(tmp_path, 'energy = 3\n[chip]\nname="mine"\ntitle="x"'))
