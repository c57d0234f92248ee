"""The chips that ship: every number with its source, and the published values."""

import pytest

from neurosparse.errors import ParameterError
from neurosparse.hardware import (
    LIMITS,
    Choice,
    Quantity,
    SynapseEncoding,
    available_chips,
    load_chip,
)

DAVIES = "doi:10.1109/MM.2018.112130359"


def numbers_of(chip):
    """Every number of a chip, by a name for messages."""
    found = {f"limits.{name}": quantity for name, quantity in chip.limits.items()}
    if chip.encoding is not None:
        found |= {f"encoding.{name}": it for name, it in vars(chip.encoding).items()}
    for table in chip.tables.values():
        for kind in ("energy", "time"):
            entries = getattr(table, kind)
            found |= {f"{table.name}.{kind}.{name}": it for name, it in entries.items()}
    return found


def test_the_chips_of_the_issue_ship():
    assert available_chips() == ("cmos-45nm", "loihi1", "loihi2")


@pytest.mark.parametrize("name", available_chips())
def test_every_number_has_a_unit_a_source_and_a_confidence(name):
    chip = load_chip(name)
    assert chip.name == name
    found = numbers_of(chip)
    assert len(found) >= 13
    for where, entry in found.items():
        assert isinstance(entry, Quantity | Choice), where
        assert entry.source.strip(), where
        assert entry.unit in ("1", "bit", "step", "pJ", "nJ", "ns"), where
        assert entry.confidence in ("high", "medium", "low"), where


@pytest.mark.parametrize("name", available_chips())
def test_every_price_is_ordered_and_of_a_sane_size(name):
    for table in load_chip(name).tables.values():
        for operation in table.prices:
            for bounds, most in (
                (table.energy_of(operation), 1e-9),
                (table.time_of(operation), 1e-5),
            ):
                if bounds is not None:
                    assert 0 <= bounds[0].si <= bounds[1].si < most


@pytest.mark.parametrize("name", ["loihi1", "loihi2"])
def test_a_mapper_finds_what_it_asks_for(name):
    chip = load_chip(name)
    for limit in ("cores", "neurons_per_core", "weight_bits_max", "decay_bits", "delay_max"):
        assert chip.limit(limit).value > 0
    assert chip.default_table == chip.table().name == "davies2018"
    assert set(chip.tables) == {"davies2018", "sana_fe"}
    assert isinstance(chip.encoding, SynapseEncoding)
    columns, rows = (int(chip.limit(name).value) for name in ("mesh_columns", "mesh_rows"))
    places = columns * rows * int(chip.limit("cores_per_tile").value)
    assert places >= chip.limit("cores").value


# lava.md 3.1: Davies et al. 2018 and nengo-loihi
@pytest.mark.parametrize(
    ("limit", "value", "unit"),
    [
        ("cores", 128, "1"),
        ("tiles", 32, "1"),
        ("cores_per_tile", 4, "1"),
        ("neurons_per_core", 1024, "1"),
        ("synapse_bits_per_core", 16384 * 64, "bit"),
        ("input_axons_per_core", 4096, "1"),
        ("output_axons_per_core", 4096, "1"),
        ("neuron_profiles_per_core", 32, "1"),
        ("threshold_profiles_per_core", 8, "1"),
        ("synapse_formats_per_core", 16, "1"),
        ("weight_bits_max", 8, "bit"),
        ("weight_exponent_min", -7, "1"),
        ("weight_exponent_max", 7, "1"),
        ("decay_bits", 12, "bit"),
        ("threshold_mantissa_bits", 17, "bit"),
        ("threshold_exponent", 6, "1"),
        ("bias_mantissa_bits", 13, "bit"),
        ("bias_exponent_max", 7, "1"),
        ("current_bits", 24, "bit"),
        ("voltage_bits", 24, "bit"),
        ("delay_max", 62, "step"),
        ("refractory_max", 62, "step"),
        ("message_bits_max", 0, "bit"),
    ],
)
def test_limits_of_loihi1(limit, value, unit):
    quantity = load_chip("loihi1").limit(limit)
    assert (quantity.value, quantity.unit) == (value, unit)


def test_limits_are_those_of_our_integer_neurons():
    from neurosparse.network import fixed_point

    for name in ("loihi1", "loihi2"):
        chip = load_chip(name)
        assert 2 ** chip.limit("decay_bits").value - 1 == fixed_point.DECAY_MAX
        assert 2 ** chip.limit("threshold_mantissa_bits").value - 1 == fixed_point.VTH_MAX
        assert 2 ** (chip.limit("bias_mantissa_bits").value - 1) - 1 == fixed_point.BIAS_MANT_MAX
        assert chip.limit("bias_exponent_max").value == fixed_point.BIAS_EXP_MAX
        assert chip.limit("refractory_max").value == fixed_point.REFRACTORY_MAX


def test_encoding_of_loihi1():
    encoding = load_chip("loihi1").encoding
    assert (encoding.group_synapses.value, encoding.header_bits.value) == (64, 10)
    assert encoding.word_bits.value == 64
    assert encoding.index_bits.values == (0, 6, 7, 8, 9, 10, 11, 12)
    assert encoding.weight_bits.values == (1, 2, 3, 4, 5, 6, 8)
    assert encoding.delay_bits.values == tuple(range(8))
    assert encoding.tag_bits.values == tuple(range(4))


def test_the_memory_of_loihi2_is_shared_and_what_takes_it_is_an_assumption():
    chip = load_chip("loihi2")
    assert chip.limit("cores").value == 120
    assert chip.limit("cores_on_die").value == 128
    assert chip.limit("neurons_per_core").value == 8192
    memory = chip.limit("memory_bits_per_core")
    assert (memory.value, memory.confidence) == (192 * 1024 * 8, "low")
    for absent in (
        "synapse_bits_per_core",
        "input_axons_per_core",
        "output_axons_per_core",
        "neuron_profiles_per_core",
        "threshold_profiles_per_core",
        "synapse_formats_per_core",
    ):
        assert chip.limit_or_none(absent) is None
    for assumed in ("bits_per_neuron", "bits_per_input_axon", "bits_per_output_axon"):
        assert chip.limit(assumed).confidence == "low"
        assert "assumption" in chip.limit(assumed).source
    # the assumption keeps the advertised number of neurons possible
    neurons = chip.limit("neurons_per_core").value * chip.limit("bits_per_neuron").value
    assert neurons <= memory.value


# Davies et al. 2018, table 2, and SANA-FE's arch/loihi.yaml, as lava.md 3.2 lists them
@pytest.mark.parametrize(
    ("table", "entry", "picojoule", "nanoseconds"),
    [
        ("davies2018", "synaptic_event", 23.6, 3.5),
        ("davies2018", "neuron_update_active", 81, 8.4),
        ("davies2018", "neuron_update_inactive", 52, 5.3),
        ("davies2018", "synaptic_update_stdp", 120, 6.1),
        ("davies2018", "spike_within_tile", 1.7, 2.1),
        ("davies2018", "hop_east_west", 3.0, 4.1),
        ("davies2018", "hop_north_south", 4.0, 6.5),
        ("davies2018", "barrier_1_tile", None, 113),
        ("davies2018", "barrier_32_tiles", None, 465),
        ("sana_fe", "synaptic_event_dense", 35.5, 3.8),
        ("sana_fe", "synaptic_event_sparse", 33.6, 4.7),
        ("sana_fe", "synaptic_event_convolution", 24.0, 3.1),
        ("sana_fe", "soma_access", 51.2, 6.0),
        ("sana_fe", "soma_update", 21.6, 3.7),
        ("sana_fe", "soma_spike_out", 69.3, 30),
        ("sana_fe", "axon_out", 111, 5.1),
        ("sana_fe", "axon_in", 0, 16),
        ("sana_fe", "hop_north_south", 4.2, 6.5),
        ("sana_fe", "barrier_1_tile", None, 600),
        ("sana_fe", "barrier_29_tiles", None, 1800),
    ],
)
def test_tables_of_loihi1(table, entry, picojoule, nanoseconds):
    costs = load_chip("loihi1").table(table)
    if picojoule is None:
        assert entry not in costs.energy
    else:
        assert costs.energy[entry].si == pytest.approx(picojoule * 1e-12, rel=1e-12)
    assert costs.time[entry].si == pytest.approx(nanoseconds * 1e-9, rel=1e-12)
    assert (DAVIES if table == "davies2018" else "SANA-FE") in costs.time[entry].source


def test_the_sum_of_sana_fe_is_one():
    costs = load_chip("loihi1").table("sana_fe")
    for entries in (costs.energy, costs.time):
        parts = entries["soma_access"].value + entries["soma_update"].value
        assert entries["soma_access_and_update"].value == pytest.approx(parts)


def test_costs_of_loihi2_are_a_stand_in_and_say_so():
    first, second = load_chip("loihi1"), load_chip("loihi2")
    for name, table in second.tables.items():
        assert "stand-in" in table.title
        assert table.prices == first.table(name).prices
        for kind in ("energy", "time"):
            stated, original = getattr(table, kind), getattr(first.table(name), kind)
            assert {key: it.value for key, it in stated.items()} == {
                key: it.value for key, it in original.items()
            }
            assert {it.confidence for it in stated.values()} == {"low"}
            assert all(it.source.startswith("stand-in: Loihi 1") for it in stated.values())


# Horowitz, ISSCC 2014
@pytest.mark.parametrize(
    ("entry", "joule"),
    [
        ("add_float32", 0.9e-12),
        ("mult_float32", 3.7e-12),
        ("mac_float32", 4.6e-12),
        ("add_int8", 0.03e-12),
        ("mult_int8", 0.2e-12),
        ("add_int32", 0.1e-12),
        ("mult_int32", 3.1e-12),
        ("dram_64bit_max", 2.6e-9),
    ],
)
def test_energies_of_45_nm(entry, joule):
    table = load_chip("cmos-45nm").table("horowitz2014")
    assert table.energy[entry].si == pytest.approx(joule, rel=1e-12)


def test_derived_energies_follow_from_the_published_ones():
    energy = load_chip("cmos-45nm").table().energy
    add, mult = energy["add_float32"].value, energy["mult_float32"].value
    assert energy["mac_float32"].value == pytest.approx(add + mult)
    assert energy["lif_update_float32"].value == pytest.approx(2 * mult + 4 * add)
    assert energy["lif_update_float32"].confidence == "low"


def test_bounds_pool_the_operations_that_may_occur():
    table = load_chip("loihi1").table("sana_fe")
    assert [bound.value for bound in table.price("synaptic_event")] == [33.6, 35.5]
    assert [bound.value for bound in table.time_of("synaptic_event")] == [3.8, 4.7]
    updates = ("neuron_update_inactive", "neuron_update_active")
    assert [bound.value for bound in table.price(*updates)] == [51.2, 72.8]
    assert table.energy_of("synaptic_event", "mac") is None


def test_what_a_chip_does_not_state_is_told():
    chip = load_chip("loihi2")
    with pytest.raises(
        ParameterError, match=r"limit: loihi2 states no 'input_axons_per_core'; it s"
    ):
        chip.limit("input_axons_per_core")
    for ask in (chip.limit, chip.limit_or_none):  # a name that does not exist is no absent limit
        with pytest.raises(
            ParameterError, match=r"limit: got 'input_axon_per_core'; there are cor"
        ):
            ask("input_axon_per_core")
    with pytest.raises(
        ParameterError, match=r"price: table davies2018 has none for 'mac'; there ar"
    ):
        chip.table().price("mac")
    with pytest.raises(
        ParameterError, match=r"table: loihi2 has none called 'mine'; there are davies2018, sana_fe"
    ):
        chip.table("mine")


def test_a_limit_of_ones_own_replaces_an_assumption():
    chip = load_chip("loihi2")
    mine = chip.with_limit("bits_per_neuron", 64, source="my measurement", confidence="medium")
    assert mine.limit("bits_per_neuron") == Quantity(64, "bit", "my measurement", "medium")
    assert chip.limit("bits_per_neuron").value == 192
    added = chip.with_limit("input_axons_per_core", 2048, source="guess")
    assert added.limit("input_axons_per_core") == Quantity(2048, "1", "guess", "low")
    assert {**added.limits, "input_axons_per_core": None}.keys() - chip.limits.keys() == {
        "input_axons_per_core"
    }


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("neurons", 4, r"\[limits.neurons\] unknown; known are cores"),
        ("neurons_per_core", 0, "must be at least 1"),
        ("neurons_per_core", 2.5, "must be a whole number"),
        ("cores", 200, "cores is 200, more than cores_on_die, 128"),
    ],
)
def test_a_limit_of_ones_own_is_checked(name, value, match):
    with pytest.raises(ParameterError, match=match):
        load_chip("loihi2").with_limit(name, value, source="me")


def test_every_limit_has_a_unit_and_a_meaning():
    for name, (unit, meaning, least) in LIMITS.items():
        assert unit in ("1", "bit", "step"), name
        assert meaning, name
        assert least in (None, 0, 1), name
