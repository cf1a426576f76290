"""The progress of a training: frozen rows, without torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BatchDone:
    """One batch has been trained on: `step` of `steps` in epoch `epoch`, all from 1."""

    epoch: int
    step: int
    steps: int


@dataclass(frozen=True)
class Sums:
    """Sums over the images that an epoch has trained on so far: cross-entropies in nats, and right answers."""

    images: int = 0
    loss: float = 0.0
    right: int = 0


@dataclass(frozen=True)
class EpochDone:
    """One epoch has ended. Losses are mean cross-entropies in nats, accuracies fractions.

    Training figures were taken on the way, on augmented images; validation figures are those of the
    weights that a checkpoint is scored by (the averaged ones where the recipe averages). `seconds` are of training.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float
