"""Drawn input: Philox's known answers, the laws of what is drawn from it, and independence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from neurosparse.network import LIF, Network, Population
from neurosparse.simulate import NoiseCurrent, Poisson, Probe, simulate
from neurosparse.simulate.philox_kernels import WORDS, philox_block
from tests.reference.philox import philox4x32, poisson_counts, uniform_words

# Random123 1.14.0, tests/kat_vectors: philox4x32, 10 rounds
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_known_answers_of_the_reference(counter: Any, key: Any, words: str) -> None:
    assert " ".join(f"{word:08x}" for word in philox4x32(counter, key)) == words


def engine_words(key: int, block: int, step: int, stream: int) -> list[int]:
    words = np.zeros(WORDS, np.uint32)
    philox_block(np.uint64(key), np.int64(block), np.int64(step), np.int64(stream), words)
    return [int(word) for word in words]


def test_known_answers_of_the_engine() -> None:
    words = engine_words(0, 0, 0, 0)
    assert [f"{words[64 * w]:08x}" for w in range(4)] == KNOWN_ANSWERS[0][2].split()


@pytest.mark.parametrize("key", [0, 1, 2**32, 2**63 - 1, 0x9E3779B97F4A7C15])
@pytest.mark.parametrize("block", [0, 1, 2**24])
@pytest.mark.parametrize("step", [0, 2**32 - 1, 2**32, 2**45 + 3])
def test_every_word_of_a_block(key: int, block: int, step: int) -> None:
    expected = []
    for word in range(4):
        for lane in range(64):
            counter = (64 * block + lane, step % 2**32, 5, step >> 32)
            expected.append(philox4x32(counter, (key % 2**32, key >> 32))[word])
    assert engine_words(key, block, step, 5) == expected


def test_the_reference_numbers_neurons_as_blocks_do() -> None:
    words = engine_words(9, 0, 4, 2) + engine_words(9, 1, 4, 2)
    assert uniform_words(9, 2, 4, 500) == words[:500]


# ---------------------------------------------------------------------- Poisson events


def drawn(stimulus: Poisson, size: int, n_steps: int, seed: int = 6, threads: int = 1) -> Any:
    """Return the counts of events, (n_steps, size), that neurons receive."""
    network = Network({"n": Population(size, LIF(du=1.0, vth=1e9))})
    probe = Probe("n", "u")
    rng = np.random.default_rng(seed)
    run = simulate(network, {"n": stimulus}, n_steps, probes=[probe], rng=rng, threads=threads)
    return run.traces[probe].astype(np.int64)


RATES = [1e-3, 0.5, 2.0, 30.0, 200.0, 500.0]


@pytest.mark.parametrize("each", [False, True], ids=["shared", "each"])
@pytest.mark.parametrize("rate", RATES)
def test_law_of_the_counts(rate: float, each: bool) -> None:
    """Mean, variance and chi-square; bounds of five standard errors, the seed is fixed."""
    n_steps, size = 200, 1000
    counts = drawn(Poisson(np.full(size, rate) if each else rate), size, n_steps).ravel()
    n = counts.size
    assert abs(counts.mean() - rate) < 5 * np.sqrt(rate / n)
    # var of the sample variance of a Poisson law: (rate + 2 rate^2) / n
    assert abs(counts.var() - rate) < 5 * np.sqrt((rate + 2 * rate**2) / n)
    law = stats.poisson(rate)
    values = np.arange(counts.max() + 2)
    expected = n * law.pmf(values)
    expected[-1] = n * law.sf(values[-2])
    observed = np.bincount(counts, minlength=values.size)
    # bins of at least ten expected counts, those at the ends put together
    edges = np.flatnonzero(expected >= 10)
    low, high = edges[0], edges[-1]
    seen = [observed[: low + 1].sum(), *observed[low + 1 : high], observed[high:].sum()]
    wanted = [expected[: low + 1].sum(), *expected[low + 1 : high], expected[high:].sum()]
    if len(seen) > 2:
        scaled = np.array(wanted) * sum(seen) / sum(wanted)
        assert stats.chisquare(seen, scaled).pvalue > 1e-4


def test_counts_are_those_of_the_reference() -> None:
    """Over several blocks of 256 neurons."""
    size, key = 700, int(np.random.default_rng(6).integers(1 << 63))
    for rate in (np.array(0.7), np.array(40.0), np.linspace(0, 90, size)):
        counts = drawn(Poisson(rate), size, 4)
        for step in range(4):
            assert counts[step].tolist() == poisson_counts(rate, key, 0, step, size)


def test_no_rate_no_events() -> None:
    assert not drawn(Poisson(0.0), 300, 50).any()
    rates = np.zeros((20, 300))
    rates[7, 250] = 400
    counts = drawn(Poisson(rates), 300, 50)
    assert np.flatnonzero(counts.any(axis=1)).tolist() == [7]
    assert np.flatnonzero(counts.any(axis=0)).tolist() == [250]


def test_counts_are_independent() -> None:
    """Neighbours, lanes that share a counter, steps, streams and seeds are not correlated."""
    n_steps, size = 400, 512
    counts = drawn(Poisson(2.0), size, n_steps)
    deviations = (counts - 2.0) / np.sqrt(2.0)

    def correlation(one: Any, other: Any) -> float:
        """In standard errors."""
        return float((one * other).mean() * np.sqrt(one.size))

    for apart in (1, 2, 64, 128, 192, 256):  # 64 apart: words of the same counter
        assert abs(correlation(deviations[:, apart:], deviations[:, :-apart])) < 5
    for apart in (1, 2, 7, 64):
        assert abs(correlation(deviations[apart:], deviations[:-apart])) < 5
    other_seed = (drawn(Poisson(2.0), size, n_steps, seed=7) - 2.0) / np.sqrt(2.0)
    assert abs(correlation(deviations, other_seed)) < 5
    # the whole matrix of neurons: its entries spread as they should
    matrix = np.corrcoef(deviations.T)[np.triu_indices(size, 1)]
    assert abs(matrix.std() * np.sqrt(n_steps) - 1) < 0.02
    # a neuron's own count over time has the variance of a Poisson law
    total = counts.sum(axis=0)
    assert abs(total.var() / (2.0 * n_steps) - 1) < 5 * np.sqrt(2 / size)


def test_stimuli_of_one_population_are_independent() -> None:
    network = Network({"n": Population(500, LIF(du=(1.0, 1.0), vth=1e9))})
    probes = [Probe("n", "u", receptor=r) for r in (0, 1)]
    inputs: Any = {"n": [Poisson(1.0, receptor=0), Poisson(1.0, receptor=1)]}
    run = simulate(network, inputs, 300, probes=probes, rng=np.random.default_rng(2))
    one, other = (run.traces[probe] - 1.0 for probe in probes)
    assert abs((one * other).mean() * np.sqrt(one.size)) < 5


@pytest.mark.parametrize("rate", [1e-3, 0.05, 1.0, 8.0])
def test_sources_fire_with_at_least_one_event(rate: float) -> None:
    size, n_steps = 1000, 400
    network = Network({"in": Population(size)})
    run = simulate(network, {"in": Poisson(rate)}, n_steps, rng=np.random.default_rng(5))
    p = -np.expm1(-rate)
    n = size * n_steps
    assert abs(run.spikes["in"].n_spikes / n - p) < 5 * np.sqrt(p * (1 - p) / n)
    per_neuron = run.spikes["in"].counts()
    spread = n_steps * p * (1 - p)
    assert abs(per_neuron.var() / spread - 1) < 6 * np.sqrt(2 / size) + 5 / np.sqrt(size * spread)


def test_rates_that_change_are_followed() -> None:
    size = 2000
    rates = np.array([[0.1], [3.0], [0.0], [60.0]])
    means = drawn(Poisson(rates), size, 6).mean(axis=1)
    assert means[2] == means[4] == means[5] == 0
    for step in (0, 1, 3):
        rate = rates[step, 0]
        assert abs(means[step] - rate) < 5 * np.sqrt(rate / size)


def test_rates_in_hertz() -> None:
    assert Poisson.from_hz([10.0, 40.0], 0.5).rate.tolist() == [0.005, 0.02]


# ---------------------------------------------------------------------- noise


def test_noise_is_normal() -> None:
    size, n_steps = 500, 400
    network = Network({"n": Population(size, LIF(du=1.0, vth=1e9))})
    probe = Probe("n", "u")
    mean, std = np.linspace(-1, 1, size), np.linspace(0, 2, size)
    run = simulate(
        network,
        {"n": NoiseCurrent(std, mean)},
        n_steps,
        probes=[probe],
        dtype=np.float64,
        rng=np.random.default_rng(8),
    )
    noise = run.traces[probe]
    assert (noise[:, 0] == -1).all()  # no deviation, the mean alone
    standard = ((noise - mean) / np.where(std > 0, std, 1))[:, 1:]
    n = standard.size
    assert abs(standard.mean()) < 5 / np.sqrt(n)
    assert abs(standard.var() - 1) < 5 * np.sqrt(2 / n)
    assert stats.kstest(standard.ravel(), "norm").pvalue > 1e-4
    assert abs((standard[1:] * standard[:-1]).mean() * np.sqrt(n)) < 5
    assert abs((standard[:, 1:] * standard[:, :-1]).mean() * np.sqrt(n)) < 5
