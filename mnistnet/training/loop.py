"""The one training loop: a generator of frozen progress rows.

Knows no file, process, database or chart. The only `backward()` of the project.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistnet.data.datasets import Source
from mnistnet.data.splits import Split
from mnistnet.errors import OperationFailed
from mnistnet.training import acceleration
from mnistnet.training.augmentation import distorted
from mnistnet.training.inference import level, logits, pixels
from mnistnet.training.optimizers import optimizer
from mnistnet.training.precision import precision_of
from mnistnet.training.progress import BatchDone, EpochDone, Sums
from mnistnet.training.recipe import Recipe
from mnistnet.training.schedule import learning_rate

State: TypeAlias = dict[str, Any]


class NoDevice(OperationFailed):
    """The recipe asks for a device that this machine, or this build of torch, does not have."""


class Diverged(OperationFailed):
    """The loss is no longer a finite number."""

    def __init__(self, epoch: int, recipe: Recipe) -> None:
        super().__init__(
            f"the loss is not finite in epoch {epoch}: learning rate {recipe.learning_rate:g} was too high; "
            f"try {recipe.learning_rate / 4:g}, or add batch norm after each convolution"
        )


class Training:
    """A network under training, between two epochs.

    `ema_network` has the exponential moving average of the weights where the recipe averages, else it is `network`.
    The permutation, augmentation and dropout of an epoch follow from the seed and the epoch's number alone: `state`
    holds no random generator. The same state, threads and device, both times with the compiled kernels or both times
    without them (see `acceleration`), give the same bits. `rate` gives the learning rate of each step, from 0, in
    place of the recipe's schedule. `epochs_before` were trained until here by another recipe: the draws go on after
    theirs, the schedule begins anew.
    """

    def __init__(
        self,
        network: nn.Sequential,
        split: Split,
        source: Source,
        recipe: Recipe,
        rate: Callable[[int], float] | None = None,
        epochs_before: int = 0,
    ) -> None:
        self.recipe, self.source, self.epoch, self._given_rate = recipe, source, 0, rate
        self._epochs_before = epochs_before
        self.device = device_of(recipe)
        self.network = _channels_last(network.to(self.device))
        self.ema_network = copy.deepcopy(self.network) if recipe.averaging else self.network
        kernels = acceleration.load().kernels if self.device.type == "cpu" else None
        self._forward = kernels.accelerate(self.network) if kernels else self.network
        self._weights, self._averages = _floating(self.network), _floating(self.ema_network)
        self._optimizer = optimizer(self.network, recipe)
        self.precision = precision_of(recipe.precision, self.device)
        self.validation_guesses = np.empty(0, np.uint8)  # of the last epoch, (n,), from when there is one
        self._images = pixels(split.train.images, source, self.device)
        self._labels = torch.from_numpy(split.train.labels).long().to(self.device)
        self._validation_images = pixels(split.validation.images, source, self.device)
        self._validation_labels = torch.from_numpy(split.validation.labels).long().to(self.device)
        self._used, self._steps = recipe.used(len(self._labels)), recipe.steps(len(self._labels))
        self._begin_sums()

    @property
    def state(self) -> State:
        """What `restore` needs to continue: tensors and plain values. The averages are called `kept` on disk."""
        return {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "kept": self.ema_network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "precision": self.precision,
        }

    @property
    def sums(self) -> Sums:
        """The sums of the current epoch. On a GPU, reading them waits for all batches that are on their way."""
        return Sums(self._seen, float(self._loss_sum), int(self._right))

    def _begin_sums(self) -> None:
        self._seen = 0
        self._loss_sum = torch.zeros((), device=self.device)
        self._right = torch.zeros((), device=self.device, dtype=torch.long)

    def restore(self, state: State) -> None:
        """Return to the epoch at which `state` was taken."""
        self.network.load_state_dict(state["network"])
        self.ema_network.load_state_dict(state["kept"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]
        self.precision = state.get("precision", self.precision)  # earlier versions did not record it

    def run(self) -> Iterator[BatchDone | EpochDone]:
        """Train the epochs that are left: a BatchDone after each batch, an EpochDone at the end of each epoch.

        Raises Diverged before the optimizer step that would have used a loss that is not finite (on a
        GPU at the end of that epoch), and in place of an EpochDone whose validation loss is not finite.
        """
        while self.epoch < self.recipe.epochs:
            yield from self._one_epoch(self.epoch + 1)

    def _one_epoch(self, epoch: int) -> Iterator[BatchDone | EpochDone]:
        started = time.perf_counter()
        torch.manual_seed(_epoch_seed(self.recipe.seed, self._epochs_before + epoch))
        order = torch.randperm(len(self._labels))[: self._used].to(self.device)
        self._begin_sums()
        self.network.train()
        for step, chosen in enumerate(order.split(self.recipe.batch_size)):
            loss, hits = self._train_batch(chosen, (epoch - 1) * self._steps + step)
            self._loss_sum += loss * len(chosen)
            self._right += hits
            self._seen += len(chosen)
            yield BatchDone(epoch, step + 1, self._steps)
        train_loss = float(self._loss_sum) / self._used
        seconds = time.perf_counter() - started
        validation = self._validate()
        # The last step of an epoch can be the one too far: no later batch would notice.
        if not (math.isfinite(train_loss) and math.isfinite(validation["validation_loss"])):
            raise Diverged(epoch, self.recipe)
        self.epoch = epoch
        yield EpochDone(
            epoch=epoch,
            train_loss=train_loss,
            train_accuracy=int(self._right) / self._used,
            **validation,
            learning_rate=self._rate(epoch * self._steps - 1),
            seconds=seconds,
            images_per_second=self._used / seconds,
        )

    def _train_batch(self, chosen: Tensor, step: int) -> tuple[Tensor, Tensor]:
        recipe, labels = self.recipe, self._labels[chosen]
        images = self._images[chosen]
        if self.epoch < recipe.epochs - recipe.calm_epochs:
            images = distorted(
                images, degrees=recipe.rotation_degrees, shift=recipe.shift, scale=recipe.scale, bend=recipe.bend
            )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            answers = self._forward(images - level(self.source))
        loss = F.cross_entropy(answers.float(), labels, label_smoothing=recipe.label_smoothing)
        # Looking at the loss waits for the device: free on a CPU, once an epoch is enough on a GPU.
        if self.device.type == "cpu" and not math.isfinite(loss.item()):
            raise Diverged(self.epoch + 1, recipe)
        self._optimizer.zero_grad()
        loss.backward()
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate(step)
        self._optimizer.step()
        self._average(step)
        return loss.detach(), (answers.argmax(1) == labels).sum()

    def _rate(self, step: int) -> float:
        if self._given_rate:
            return self._given_rate(step)
        return learning_rate(self.recipe, step, self.recipe.epochs * self._steps)

    @torch.no_grad()
    def _average(self, step: int) -> None:
        """Exponential moving average of weights and of batch norm's statistics, which belong to them.

        Early on the decay grows with the steps, so that the first random weights fade.
        """
        if self.recipe.averaging:
            decay = min(self.recipe.averaging, (1 + step) / (10 + step))
            torch._foreach_lerp_(self._averages, self._weights, 1 - decay)

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        answers = logits(self.ema_network, self._validation_images, self.source)
        guesses = answers.argmax(1)
        right = int((guesses == self._validation_labels).sum())
        self.validation_guesses = guesses.cpu().numpy().astype(np.uint8)
        return {
            "validation_loss": float(F.cross_entropy(answers, self._validation_labels)),
            "validation_accuracy": right / len(self._validation_labels),
        }


def device_of(recipe: Recipe) -> torch.device:
    """The device the recipe asks for; `auto` takes CUDA where there is one. Raises NoDevice."""
    has_cuda = torch.cuda.is_available()
    if recipe.device == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    if recipe.device == "cuda" and not has_cuda:
        raise NoDevice("device=cuda: this torch finds no CUDA device; choose auto or cpu")
    return torch.device(recipe.device)


def _channels_last(network: nn.Sequential) -> nn.Sequential:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _floating(network: nn.Module) -> list[Tensor]:
    return [value for value in network.state_dict().values() if value.is_floating_point()]


def _epoch_seed(seed: int, epoch: int) -> int:
    # torch's CPU generator uses 32 bits of its seed; SeedSequence mixes the pair into them.
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
