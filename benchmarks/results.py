"""The README's results: train designs through the command line, print the table.

`python -m benchmarks.results mnistnet-16k course-10040 --seeds 3 --epochs 18 --protocol holdout`

Each run is a real one, in the store; a second call trains anew. Only final weights are scored.
"""

import argparse
import json
import subprocess
import sys
from statistics import mean
from typing import Any

import torch

from mnistnet.insight.evaluation import Score
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.store import cores


def trained(design: str, seed: int, options: list[str]) -> dict[str, Any]:
    """One training's outcome, as the command line's JSON has it."""
    command = [sys.executable, "-m", "mnistnet", "train", design, "--seed", str(seed), "--json", *options]
    document: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print(f"{design} seed {seed}: {document['test_accuracy']:.2%}", file=sys.stderr)
    return document


def line(design: str, outcomes: list[dict[str, Any]]) -> str:
    """One row of the table: mean, worst, pooled interval, seconds."""
    accuracies = [outcome["test_accuracy"] for outcome in outcomes]
    worst = max(outcomes, key=lambda outcome: outcome["test_errors"])
    # One test set, however many seeds: the interval is that of its 10,000 images, at the mean.
    interval = Score(round(mean(outcome["test_errors"] for outcome in outcomes)), worst["test_total"]).interval
    seconds = mean(outcome["train_seconds"] for outcome in outcomes)
    return (
        f"| {design} | {PRESETS[design].params:,} | {outcomes[0]['epochs']} | {len(outcomes)} | {mean(accuracies):.2%} "
        f"| {min(accuracies):.2%} | {interval.low:.2%} to {interval.high:.2%} | {seconds:.0f} s |"
    )


def main() -> None:
    """Read the arguments, train, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("designs", nargs="+", choices=list(PRESETS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", default="18")
    parser.add_argument("--protocol", default="holdout")
    arguments = parser.parse_args()
    options = ["--epochs", arguments.epochs, "--protocol", arguments.protocol]
    print(f"torch {torch.__version__}, {cores()} cores, protocol {arguments.protocol}, final weights, test set")
    print("| network | parameters | epochs | seeds | mean | worst | 95% interval | training |")
    print("|---|---|---|---|---|---|---|---|")
    for design in arguments.designs:
        print(line(design, [trained(design, seed, options) for seed in range(1, arguments.seeds + 1)]), flush=True)


if __name__ == "__main__":
    main()
