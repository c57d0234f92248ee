"""What the tables of a sweep hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

__all__ = ["EPOCH_COLUMNS", "RESULT_COLUMNS", "TIME_COLUMNS", "Column", "missing_columns"]

Kind = Literal["text", "whole", "number"]


class Column(NamedTuple):
    """A column of a table.

    Parameters
    ----------
    name : str
        Its heading.
    kind : {"text", "whole", "number"}
        Of its values; any may be missing.
    what : str
        What it holds, with the unit.
    """

    name: str
    kind: Kind
    what: str


_WHERE = (
    Column("key", "text", "name of the cell; with a hash of all its settings"),
    Column("scheme", "text", "recipe in `neurosparse.sparsify.CATALOGUE`"),
    Column("density", "number", "share of the potential synapses that was asked for"),
    Column("seed", "whole", "of the split, first weights, batches and rewiring"),
)

RESULT_COLUMNS = (
    *_WHERE,
    Column("data", "text", "name of the data set"),
    Column("model", "text", "`snn` or `ann`"),
    Column("starts", "text", "whether training starts with a `sparse` or a `full` network"),
    Column("state", "text", "what the scheme keeps: `active synapses`, or `dense` state"),
    Column("epochs", "whole", "passes over the training set"),
    Column("batch_size", "whole", "samples per step"),
    Column("learning_rate", "number", "of Adam, at the start"),
    Column("n_train", "whole", "samples learned from"),
    Column("n_test", "whole", "samples measured on"),
    Column("test_accuracy", "number", "share of the test samples that is right"),
    Column("valid_accuracy", "number", "share of the validation samples, after the last epoch"),
    Column("train_accuracy", "number", "share of the training samples, in the last epoch"),
    Column("loss", "number", "mean over the last epoch"),
    Column("synapses", "whole", "at the end of the training (counted)"),
    Column("potential_synapses", "whole", "pairs of neurons in neighbouring layers"),
    Column("final_density", "number", "`synapses` over `potential_synapses`"),
    Column("effective_synapses", "whole", "those on a path from an input to an output"),
    Column("effective_density", "number", "`effective_synapses` over `potential_synapses`"),
    Column("synaptic_events", "number", "per test sample: spikes times fan-out (counted)"),
    Column("neuron_updates", "number", "per test sample: neurons times steps (counted)"),
    Column("macs", "number", "multiply-accumulates per test sample, of an ANN's synapses"),
    Column("energy_joule", "number", "per test sample [J], **estimated** by prices for 45 nm CMOS"),
    Column("parameter_bytes", "whole", "of the finished network [B]"),
    Column("dropped", "whole", "synapses dropped over the whole training"),
    Column("grown", "whole", "synapses grown over the whole training"),
    Column("ever_active", "whole", "positions that ever held a synapse"),
    Column("r_s", "number", "`ever_active` over `potential_synapses`"),
    Column("objective", "text", "how it was trained against an attack, if it was"),
    Column("attack", "text", "`fgsm` or `pgd`, if robustness was asked for"),
    Column("attack_eps", "number", "largest change of a pixel"),
    Column("attack_steps", "whole", "gradients per sample"),
    Column("robust_accuracy", "number", "share of the test samples that is right under the attack"),
    Column("version", "text", "of neurosparse"),
    Column("train_seconds", "number", "wall time of loading and training [s]"),
    Column("measure_seconds", "number", "wall time of measuring [s]"),
)

EPOCH_COLUMNS = (
    *_WHERE,
    Column("epoch", "whole", "from 1"),
    Column("layer", "whole", "from 0, the one that the input feeds"),
    Column("synapses", "whole", "of the layer after the epoch"),
    Column("potential_synapses", "whole", "pairs of the layer"),
    Column("layer_density", "number", "`synapses` over `potential_synapses`"),
    Column("dropped", "whole", "synapses of the layer dropped in the epoch"),
    Column("grown", "whole", "synapses of the layer grown in the epoch"),
    Column("ever_active", "whole", "positions of the layer that ever held a synapse so far"),
    Column("r_s", "number", "`ever_active` over `potential_synapses`"),
    Column("loss", "number", "mean over the epoch, of the whole network"),
    Column("train_accuracy", "number", "in the epoch, of the whole network"),
    Column("valid_accuracy", "number", "after the epoch, of the whole network"),
    Column("events_per_sample", "number", "synaptic events of a training sample, of an SNN"),
    Column("learning_rate", "number", "in the epoch"),
    Column("seconds", "number", "wall time of the epoch [s]"),
)

# what is not the same from run to run
TIME_COLUMNS = ("train_seconds", "measure_seconds", "seconds")


def missing_columns(row: Mapping[str, Any]) -> list[str]:
    """Return the names of the columns that a row or one of its epochs lacks, as tables need them.

    Examples
    --------
    >>> len(missing_columns({"key": "a"})) == len(RESULT_COLUMNS)  # no key, but "epoch_rows"
    True
    """
    names = [column.name for column in RESULT_COLUMNS if column.name not in row]
    epochs = row.get("epoch_rows")
    if not isinstance(epochs, list) or not all(isinstance(epoch, dict) for epoch in epochs):
        return [*names, "epoch_rows"]
    names += [
        f"{column.name} of an epoch"
        for column in EPOCH_COLUMNS
        if any(column.name not in epoch for epoch in epochs)
    ]
    return names
