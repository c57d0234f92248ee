"""Put sparse layers and snnTorch neurons into one network, and make it one sparse network.

The hidden layer is ours: it runs over all steps at once, and is rewired as it learns (DEEP R). The
output neurons are snnTorch's, on sparse synapses, in a loop over steps, with a loss on their
membranes, as snnTorch's tutorials have it. When they have learned, both become one network, which
the event-driven simulator runs and which can be exported.

    python examples/mix_with_snntorch.py
"""

from __future__ import annotations

import argparse

import neurosparse.train  # noqa: F401 -- before torch: see "Good to know" in the README

# isort: split
import numpy as np
import torch
from torch import Tensor, nn

from neurosparse import LIF
from neurosparse.data import Encoding, ImageDataset, load_digits
from neurosparse.interop import from_snntorch
from neurosparse.simulate import simulate_batch
from neurosparse.sparsify import deep_r
from neurosparse.train import (
    LIFLayer,
    Rewirer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    atan,
    predict,
)
from neurosparse.train.snntorch_twin import load_snntorch

snn = load_snntorch()  # import snntorch as snn, but it says what to install if it is not

N_HIDDEN, BATCH = 150, 64
ENCODING = Encoding("rate", n_steps=20, max_rate=0.5)


class MixedNet(nn.Module):
    """Sparse throughout; hidden neurons ours, output neurons snnTorch's."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.hidden = SpikingLayer(
            SparseLinear(64, N_HIDDEN, density=0.1, gain=2, rng=seed),
            LIFLayer(N_HIDDEN, LIF(du=1, dv=0.1, vth=1), atan()),
        )
        self.readout = SparseLinear(N_HIDDEN, 10, density=0.3, gain=2, rng=seed + 1)
        # with reset to zero, the step by which snn.Leaky resets late makes no difference
        self.leaky = snn.Leaky(beta=0.9, reset_mechanism="zero", spike_grad=atan())

    def outputs(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return spikes and membranes of the output, (n_steps, batch, 10) both."""
        spikes, membranes = [], []
        membrane = self.leaky.init_leaky()
        for step in self.hidden(x):
            spike, membrane = self.leaky(self.readout(step), membrane)
            spikes.append(spike)
            membranes.append(membrane)
        return torch.stack(spikes), torch.stack(membranes)

    def forward(self, x: Tensor) -> Tensor:
        """Return how often the output neurons spike."""
        return self.outputs(x)[0].mean(dim=0)

    def as_one(self) -> SpikingClassifier:
        """Return the same network without snnTorch."""
        last = from_snntorch(nn.Sequential(self.readout, self.leaky))
        return SpikingClassifier([self.hidden, *last.layers])


def train(net: MixedNet, data: ImageDataset, epochs: int, rng: np.random.Generator) -> None:
    """Learn weights and, after every step, which synapses there are."""
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    Rewirer(deep_r(l1=1e-3, temperature=0), net, optimizer, rng)
    for epoch in range(epochs):
        losses = []
        for chosen in np.array_split(rng.permutation(len(data)), len(data) // BATCH):
            x = ENCODING.encode(data.samples(chosen), rng)
            spikes, membranes = net.outputs(torch.from_numpy(x).float())
            labels = torch.from_numpy(data.labels[chosen])
            # the membrane should be highest in every step, and the neuron spike most often
            each_step = nn.functional.cross_entropy(
                membranes.flatten(0, 1), labels.repeat(ENCODING.n_steps)
            )
            loss = each_step + nn.functional.cross_entropy(10 * spikes.mean(dim=0), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1:>2}  loss {np.mean(losses):.3f}")


def main() -> None:
    """Train, test, make one network of both parts, simulate it."""
    parser = argparse.ArgumentParser(description="Mix sparse layers with snnTorch neurons.")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one epoch only, as a test")
    args = parser.parse_args()

    data, test = load_digits(seed=args.seed)
    net = MixedNet(args.seed)
    before = net.hidden.connection.keys()
    train(net, data, 1 if args.quick else args.epochs, np.random.default_rng(args.seed))
    answers = predict(net, test, ENCODING)
    print(f"mixed network: {100 * (answers == test.labels).mean():.1f} % of {len(test)} digits")
    moved = np.setdiff1d(before, net.hidden.connection.keys()).size
    print(f"{moved} of {before.size} synapses onto hidden neurons have moved")

    one = net.as_one()
    same = predict(one, test, ENCODING) == answers
    print(f"as one network: {same.sum()} of {len(test)} answers are the same")

    network = one.to_network()
    x = ENCODING.encode(test.samples(range(len(test))), np.random.default_rng(1))
    with torch.no_grad():
        counts = one.spikes(torch.from_numpy(x).float())[-1].counts.numpy()
    run = simulate_batch(network, x.swapaxes(0, 1))
    agree = (run.counts["output"] == counts).all(axis=1)
    print(f"simulated, {network.n_synapses:,} synapses: so are the spikes of {agree.sum()} samples")


if __name__ == "__main__":
    main()
