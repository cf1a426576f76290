"""The JSON documents of the command line's contract, as plain values. Prints and reads nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnistnet.data import datasets
from mnistnet.data.datasets import Dataset
from mnistnet.insight.predictions.evaluation import Evaluation, Score
from mnistnet.insight.predictions.verdict import RunVerdict
from mnistnet.nets import rules
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import Preset
from mnistnet.nets.rules import COURSE, Profile, Verdict
from mnistnet.nets.summary import require
from mnistnet.runs.backup.backup import Contents
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.runs.store.store import Store

Document = dict[str, Any]


def preset(chosen: Preset) -> Document:
    """One entry of `presets --json`."""
    return {"name": chosen.name, "total_params": chosen.params, "origin": chosen.origin}


def summary(architecture: Architecture, epochs: int, profile: Profile = COURSE) -> Document:
    """One entry of `summary --json`, its rules those that are known before training.

    Raises DesignError for a design that cannot be built.
    """
    walk = require(architecture)
    return {
        "name": architecture.name,
        "total_params": walk.params,
        "macs": walk.macs,
        "receptive_field": walk.field,
        "layers": [
            {
                "type": row.type,
                "output_shape": list(row.shape),
                "params": row.params,
                "receptive_field": row.field,
                "jump": row.jump,
            }
            for row in walk.rows
        ],
        "rules": _rules(rules.verdicts(architecture, walk, epochs, profile)),
    }


def _rules(found: Sequence[Verdict]) -> list[Document]:
    return [{"rule": one.rule, "passed": one.passed, "detail": one.detail} for one in found]


def judged(found: RunVerdict, profile: Profile) -> Document:
    """What `show --json` and `train --json` add with --profile; `passed` is null where a rule cannot be judged."""
    return {"profile": profile.name, "passed": found.met, "rules": _rules(found.rules)}


def outcome(run: Run) -> Document:
    """The document of `train --json` and `resume --json`; null where not known yet."""
    known = run.test_errors is not None and run.test_total is not None
    interval = Score(run.test_errors, run.test_total).interval if known else None  # type: ignore[arg-type]
    return {
        "run": run.id,
        "state": str(run.state),
        "epochs": run.epochs_done,
        "validation_accuracy": run.validation_accuracy,
        "best_validation_accuracy": run.best_validation_accuracy,
        "test_accuracy": run.test_accuracy,
        "test_errors": run.test_errors,
        "test_total": run.test_total,
        "test_interval": [interval.low, interval.high] if interval else None,
        "train_seconds": run.train_seconds,
        "weights_sha256": run.weights_sha256,
    }


def listed(run: Run) -> Document:
    """One entry of `runs --json`."""
    return {
        **outcome(run),
        "architecture": run.architecture.model_dump(mode="json"),
        "recipe": run.recipe.model_dump(mode="json"),
        "started_from": run.started_from,
        "epochs_before": run.epochs_before,
    }


def whole(run: Run, metrics: list[EpochMetrics]) -> Document:
    """The document of `show --json`."""
    return {**listed(run), "metrics": [asdict(row) for row in metrics]}


def backup(file: Path, store: Store, contents: Contents) -> Document:
    """The document of `backup --json` and `restore --json`."""
    return {"file": str(file), "store": str(store.root), **asdict(contents)}


def data_set(name: str, loaded: Dataset) -> Document:
    """The document of `data --json` for a verified data set."""
    is_bundled = loaded.source is datasets.OFFLINE
    return {
        "dataset": name,
        "title": loaded.source.title,
        "path": "scikit-learn" if is_bundled else str(datasets.folder(loaded.source)),
        "train_images": len(loaded.train_labels),
        "test_images": len(loaded.test_labels),
        "verified": True,
    }


def evaluation(evaluated: Evaluation) -> Document:
    """The document of `evaluate --json`."""
    score = evaluated.score
    return {
        "accuracy": score.accuracy,
        "errors": score.errors,
        "total": score.total,
        "interval": [score.interval.low, score.interval.high],
        "confusion": evaluated.confusion.tolist(),
        "mistakes": [asdict(mistake) for mistake in evaluated.mistakes],
    }


def export(form: str, contents: Mapping[Path, bytes]) -> Document:
    """What `export --json` prints: the format, and each file with its size and sha256."""
    files = [
        {"path": str(path), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in contents.items()
    ]
    return {"format": form, "files": files}
