"""How fast training is, beside the assignment as everyone and as an expert writes it: same network, same batches.

`python -m benchmarks.training [--pairs 7]`

(a) is `benchmarks.textbook`, (b) mnistnet's own loop without augmentation and averaging, (c) `benchmarks.expert`: the
same network, batches, loss and rate; (b) and (c) in the faster precision, with Nesterov's momentum. All take turns of
a few seconds, each in its own process; a ratio is the median over rounds of turns. The limit is what the processor
multiplies of fp32 matrices a second, measured before. Below it, where the time of (b) goes: how long each part takes
of a step, forward and backward, while it trains.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any, Self

from benchmarks.sides import Side
from mnistnet.nets import summary
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.worker.environment import prepare
from mnistnet.system import cores
from mnistnet.training.recipe import Recipe

BATCH_SIZES = {"course-10040": 128, "course-19122": 64}
TRAIN_IMAGES = 60_000
TURN_IMAGES = 6_400
WATCHED_STEPS = 100


def textbook(name: str, batch_size: int) -> Iterator[Any]:
    """(a)."""
    from benchmarks import textbook

    return textbook.training(PRESETS[name].architecture, batch_size)


def ours(name: str, recipe: Recipe) -> Iterator[Any]:
    """(b)."""
    from mnistnet.data import datasets, splits
    from mnistnet.nets.network import build
    from mnistnet.training.loop import Training

    dataset = datasets.load("mnist", fetch=False)
    network = build(PRESETS[name].architecture, recipe.seed)
    return Training(network, splits.split(dataset, recipe.protocol), dataset.source, recipe).run()


def expert(name: str, batch_size: int) -> Iterator[Any]:
    """(c)."""
    from benchmarks import expert

    return expert.training(PRESETS[name].architecture, batch_size)


def same_arithmetic(batch_size: int) -> Recipe:
    """A recipe of what (a) does to an image."""
    return Recipe(
        protocol="course", epochs=100, batch_size=batch_size, learning_rate=0.01, schedule="constant",
        weight_decay=0.0, rotation_degrees=0.0, shift=0.0, scale=0.0, averaging=0.0,
    )  # fmt: skip


def compare(name: str, pairs: int, threads: int, limit: float) -> None:
    """Print all speeds, their ratios, memory, and their share of `limit`, the fp32 matrix products in FLOP/s."""
    batch_size = BATCH_SIZES[name]
    steps = TURN_IMAGES // batch_size
    with (
        Side(textbook, name, batch_size, threads=threads) as a,
        Side(ours, name, same_arithmetic(batch_size), threads=threads) as b,
        Side(expert, name, batch_size, threads=threads) as c,
    ):
        for side in (a, b, c):
            side.turn(10)
        turns = [(a.turn(steps), b.turn(steps), c.turn(steps)) for _ in range(pairs)]
    flops = 6 * summary.summarize(PRESETS[name].architecture).macs  # forward, and twice that backward
    print(f"\n{name}, batch {batch_size}, {pairs} rounds of {TURN_IMAGES:,} images, {threads} threads")
    labels = ("(a) as everyone writes it", "(b) mnistnet", "(c) as an expert writes it")
    for label, measured in zip(labels, zip(*turns, strict=True), strict=True):
        speed = median(TURN_IMAGES / turn.seconds for turn in measured)
        print(
            f"  {label:27} {speed:7,.0f} images/s  {TRAIN_IMAGES / speed:5.1f} s an epoch  "
            f"{speed * flops / 1e9:5.0f} GFLOP/s, {speed * flops / limit:4.0%} of the limit  "
            f"{measured[-1].peak_bytes / 2**20:4.0f} MiB at most"
        )
    for label, other in (("(a)", 0), ("(c)", 2)):
        ratios = sorted(turn[other].seconds / turn[1].seconds for turn in turns)
        print(f"  (b) over {label}: {median(ratios):.2f} times ({', '.join(f'{ratio:.2f}' for ratio in ratios)})")


def breakdown(name: str) -> None:
    """Print the time of each kind of operation in a step of (b), forward and backward."""
    steps = ours(name, same_arithmetic(BATCH_SIZES[name]))
    for _ in range(WATCHED_STEPS // 4):
        next(steps)
    with Clock() as clock:
        started = time.perf_counter()
        for _ in range(WATCHED_STEPS):
            next(steps)
        seconds = time.perf_counter() - started
    spent = {**clock.spent, "loss, optimizer, batches, dispatch": seconds - sum(clock.spent.values())}
    print(f"  a step of (b): {1000 * seconds / WATCHED_STEPS:.1f} ms")
    for kind, of_it in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"    {kind:36} {1000 * of_it / WATCHED_STEPS:5.1f} ms  {of_it / seconds:4.0%}")


class Clock:
    """Seconds, forward and backward, that each kind of part takes of a sequential network's training, in place."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._under_way, self._since = "", 0.0
        self._knows_the_end = False

    def __enter__(self) -> Self:
        from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

        self._hooks = register_module_forward_pre_hook(self._begin), register_module_forward_hook(self._end)
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _begin(self, part: Any, _: Any) -> None:
        if kind := kind_of(part):
            self._turn_to(kind)

    def _end(self, part: Any, inputs: Any, output: Any) -> None:
        """The part's forward is done; its backward begins when the gradient at its output is there."""
        kind = kind_of(part)
        if not kind:
            return
        self._turn_to("")
        if output.requires_grad:
            output.register_hook(lambda _: self._turn_to(kind))
        # Before the first part nothing waits for a gradient: it is done when a parameter of its own has one.
        if not (inputs[0].requires_grad or self._knows_the_end):
            self._knows_the_end = True
            next(part.parameters()).register_post_accumulate_grad_hook(lambda _: self._turn_to(""))

    def _turn_to(self, kind: str) -> None:
        now = time.perf_counter()
        if self._under_way:
            self.spent[self._under_way] += now - self._since
        self._under_way, self._since = kind, now


def kind_of(part: Any) -> str:
    """The name in the table of a part of an accelerated network; empty for the network itself."""
    from torch import nn

    from mnistnet.training.kernels import chain, normalization, pooling

    kinds: dict[type[nn.Module], str] = {
        nn.Sequential: "",
        nn.Conv2d: "convolution",
        normalization.Normalization: "batch norm, ReLU, dropout",
        pooling.MaxPool2x2: "max-pool",
        chain.Chain: "chains of separable convolutions",
    }
    return kinds.get(type(part), "other layers")


def timed(action: Callable[[], Any], repeats: int = 25) -> float:
    """Median seconds of `action`, after three calls that do not count."""
    seconds = []
    for _ in range(3 + repeats):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return median(seconds[3:])


def peaks() -> dict[str, float]:
    """This machine's matrix products in FLOP/s, the yardstick for convolutions."""
    import torch

    side, found = 2048, {}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        matrix = torch.randn(side, side).to(kind)
        found[name] = 2 * side**3 / timed(partial(torch.mm, matrix, matrix), 9)
    return found


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=cores())
    arguments = parser.parse_args()
    prepare(arguments.threads)
    import torch

    torch.set_num_threads(arguments.threads)
    limits = peaks()
    said = ", ".join(f"{limit / 1e9:.0f} GFLOP/s {name}" for name, limit in limits.items())
    print(f"torch {torch.__version__}, matrix products at most {said}")
    for name in BATCH_SIZES:
        compare(name, arguments.pairs, arguments.threads, limits["fp32"])
        breakdown(name)


if __name__ == "__main__":
    main()
