"""Train a sparse spiking network with DEEP R.

The network reads handwritten digits with a tenth of the synapses that its layers could hold.
Which ones exist is learned along with their weights: after every step of the optimiser a synapse
whose weight has crossed zero goes, and another, drawn at random, takes its place (Bellec et al.
2018, arXiv 1711.05136). The number of synapses stays the same all the time.

    python examples/train_with_deep_r.py --epochs 60
"""

from __future__ import annotations

import argparse

from neurosparse import LIF
from neurosparse.data import Encoding, load_digits
from neurosparse.sparsify import deep_r
from neurosparse.train import PRESETS, atan, fit, predict, sparse_classifier

SIZES = [64, 256, 128, 10]
N_ACTIVE = [1900, 2500, 640]  # synapses of each layer: 10 % of all, the last layer denser


def main() -> None:
    """Train, test, and say what became of the synapses."""
    parser = argparse.ArgumentParser(description="Train a sparse spiking network with DEEP R.")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="two epochs only, as a test")
    args = parser.parse_args()
    epochs = min(args.epochs, 2) if args.quick else args.epochs

    train, test = load_digits(seed=args.seed)
    # every pixel drives an input neuron with a current; the brighter, the more often it spikes
    encoding = Encoding("current", n_steps=25, gain=0.5)
    model = sparse_classifier(
        SIZES,
        neuron=LIF(du=1, dv=0.1, vth=1),
        input_neuron=LIF(du=1, dv=0, vth=1),
        n_active=N_ACTIVE,
        surrogate=atan(2),
        gain=2,
        rng=args.seed,
    )
    history = fit(
        model,
        train,
        encoding=encoding,
        scheme=deep_r(l1=1e-2, temperature=0),
        seed=args.seed,
        **PRESETS["digits"].fit_options(2, epochs),  # Adam at 2e-2, constant, then annealed
    )

    correct = predict(model, test, encoding) == test.labels
    print(f"accuracy on {len(test)} test digits: {100 * correct.mean():.1f} %\n")
    print("layer        synapses         of   exchanged in training")
    for index, n_active in enumerate(history.epochs[-1].synapses):
        n_pre, n_post = SIZES[index : index + 2]
        exchanged = sum(epoch.dropped[index] for epoch in history.epochs)
        print(f"{n_pre:>3} to {n_post:<5}{n_active:>9,}{n_pre * n_post:>11,}{exchanged:>24,}")
    network = model.to_network()  # ready to simulate, export and compare
    share = network.n_synapses / network.n_potential_synapses
    print(f"\n{network.n_synapses:,} synapses, {100 * share:.1f} % of what the layers could hold")


if __name__ == "__main__":
    main()
