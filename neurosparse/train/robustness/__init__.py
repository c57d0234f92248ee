"""Robustness: attacks on images, training against them, noise, and synapses that fail."""

from neurosparse.train.robustness.adversarial import MART, TRADES, AdversarialTraining
from neurosparse.train.robustness.attacks import FGSM, PGD, Attack, adversarial_images
from neurosparse.train.robustness.evaluate import (
    Draws,
    Robustness,
    evaluate_robustness,
    robust_accuracy,
)
from neurosparse.train.robustness.image_input import encode_images
from neurosparse.train.robustness.perturb import add_noise, lose_synapses

__all__ = [
    "FGSM",
    "MART",
    "PGD",
    "TRADES",
    "AdversarialTraining",
    "Attack",
    "Draws",
    "Robustness",
    "add_noise",
    "adversarial_images",
    "encode_images",
    "evaluate_robustness",
    "lose_synapses",
    "robust_accuracy",
]
