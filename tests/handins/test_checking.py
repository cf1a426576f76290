"""Hand-ins checked: honest ones pass, and each way to change one fails at the check that names it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from safetensors.torch import load, save

from mnistnet.exports.code import model_py
from mnistnet.handins import checking, handin, log
from mnistnet.handins.archive import DESIGN, LOG, MANIFEST, METRICS, MODEL, RECIPE, WEIGHTS
from mnistnet.handins.checking import Examined
from mnistnet.handins.results import Checked
from mnistnet.insight.network.steps import finish
from mnistnet.nets import architecture as designs
from mnistnet.nets.rules import COURSE, Profile
from mnistnet.training import recipe as recipes
from tests.support.handins import ANY_ACCURACY, SMALL, Files, claimed, claiming, honest, zipped
from tests.support.samples import TINY

ON_THE_SAMPLE = "at least 99.4% on the test set of MNIST"


def examined(files: Files, name: str = "a.zip", profile: Profile = COURSE) -> Examined:
    return finish(checking.examined(handin.from_bytes(zipped(files), name), profile, model_py))


def checked(files: Files, profile: Profile = COURSE) -> Checked:
    return checking.concluded([examined(files, profile=profile)])[0]


def failures(files: Files) -> dict[str, str]:
    """What fails, besides the accuracy on MNIST, which no hand-in on the offline sample has."""
    return {check.check: check.detail for check in checked(files).failed if check.check != ON_THE_SAMPLE}


@pytest.fixture(scope="module")
def files() -> Files:
    return honest()


def test_an_honest_hand_in_passes_all_that_needs_no_mnist(files: Files) -> None:
    assert failures(files) == {}


def test_the_offline_sample_is_no_mnist(files: Files) -> None:
    (failed,) = checked(files).failed
    assert failed.check == ON_THE_SAMPLE
    assert failed.detail.endswith("no accuracy on it is an MNIST accuracy")


def test_figures_are_those_of_the_weights(files: Files) -> None:
    found = checked(files)
    assert (found.errors, found.total) == tuple(claimed(files)["claims"]["test"][name] for name in ("errors", "total"))
    assert (found.parameters, found.epochs) == (468, 3)


@pytest.mark.mnist
def test_an_honest_hand_in_on_mnist_passes() -> None:
    found = checked(honest(dataset="mnist"), ANY_ACCURACY)
    assert found.failed == ()
    assert found.verdict == f"passed: all {len(found.checks)} checks"


# Five copies that somebody changed, each as it is, and with the hashes of the manifest written anew.


def other_weights(files: Files) -> tuple[Files, dict[str, Any]]:
    return {**files, WEIGHTS: honest(seed=2)[WEIGHTS]}, claimed(files)


def accuracy_raised(files: Files) -> tuple[Files, dict[str, Any]]:
    value = claimed(files)
    for figure in (value["claims"]["test"], value["claims"]["validation"]):
        figure.update(errors=1, accuracy=296 / 297)
    return files, value


def layer_added(files: Files) -> tuple[Files, dict[str, Any]]:
    value = claimed(files)
    value["design"]["layers"].insert(1, {"type": "conv", "channels": 4, "kernel": 1})
    design = designs.strict_architecture(value["design"])
    return {**files, DESIGN: design.to_json().encode()}, value


def log_edited(files: Files) -> tuple[Files, dict[str, Any]]:
    value = claimed(files)
    value["log"][1]["validation_accuracy"] = 0.995
    return files, value


def epochs_cut(files: Files) -> tuple[Files, dict[str, Any]]:
    value = claimed(files)
    del value["log"][1:]
    return files, value


Change: TypeAlias = Callable[[Files], tuple[Files, dict[str, Any]]]

NAMED: dict[Change, tuple[str, str]] = {
    other_weights: ("accuracy", "last epoch"),
    accuracy_raised: ("accuracy", "log plausible"),
    layer_added: ("weights", "parameters"),
    log_edited: ("log plausible", "log in all files"),
    epochs_cut: ("log complete", "log in all files"),
}


@pytest.mark.bar("C10")
@pytest.mark.parametrize("hashes", [False, True], ids=["hashes as they were", "hashes written anew"])
@pytest.mark.parametrize("change", NAMED, ids=lambda change: change.__name__)
def test_a_tampered_copy_fails_where_it_was_changed(files: Files, change: Change, hashes: bool) -> None:
    found = failures(claiming(*change(files), hashes=hashes))
    assert set(NAMED[change]) <= found.keys(), found


def test_a_file_that_was_changed_is_named_by_its_hash(files: Files) -> None:
    found = failures({**files, LOG: files[LOG] + b"more\n"})
    assert found["files"] == "log.txt was changed after the export: its sha256 is not that in manifest.json"


@pytest.mark.parametrize("name", [LOG, METRICS, MODEL, DESIGN, RECIPE])
def test_line_breaks_of_another_system_are_no_change(files: Files, name: str) -> None:
    unix = files[name].replace(b"\r\n", b"\n")
    for text in (unix, unix.replace(b"\n", b"\r\n")):
        assert failures({**files, name: text}) == {}


def test_a_report_may_be_edited_and_others_may_lie_beside_it(files: Files) -> None:
    assert failures({**files, "report.md": b"my analysis", "notes.pdf": b"%PDF"}) == {}


def test_a_learning_rate_above_the_recipes_is_implausible(files: Files) -> None:
    value = claimed(files)
    value["log"][0]["learning_rate"] = 1.0
    assert "above the recipe's peak" in failures(claiming(files, value))["log plausible"]


def test_other_code_in_model_py_is_named_and_not_run(files: Files, tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    code = f"open({str(mark)!r}, 'w').close()\n".encode()
    found = failures(claiming({**files, MODEL: code}, claimed(files)))
    assert found == {MODEL: "not the code that this design gives"}
    assert not mark.exists()
    assert "model" not in sys.modules


def test_code_of_another_version_is_not_compared(files: Files) -> None:
    value = claimed(files)
    value["versions"]["mnistnet"] = "0.0.9"
    assert failures(claiming({**files, MODEL: b"# older"}, value)) == {}


def test_a_metrics_table_that_says_something_else_is_named(files: Files) -> None:
    table = files[METRICS].replace(b"2,", b"2,9", 1)
    found = failures(claiming({**files, METRICS: table}, claimed(files)))
    assert found["log in all files"].startswith("metrics.csv: epoch 2: ")


def test_weights_that_are_not_finite_are_named(files: Files) -> None:
    tensors = load(files[WEIGHTS])
    tensors["conv_2.weight"][0] = float("nan")
    found = failures(claiming({**files, WEIGHTS: save(tensors)}, claimed(files)))
    assert found["weights"].startswith("weights.safetensors: conv_2.weight: not finite")
    assert found["accuracy"].startswith("not computed")


def test_the_profile_decides(files: Files) -> None:
    strict = COURSE.changed(name="few", params=100, epochs=3)
    found = {check.check for check in checked(files, strict).failed}
    assert {"under 100 parameters", "under 3 epochs"} <= found


def test_the_epochs_before_a_run_that_was_trained_further_count(files: Files) -> None:
    further = claiming(files, {**claimed(files), "epochs_before": 17})
    assert failures(further) == {"under 20 epochs": "20, 17 of them before this run; must be under 20"}
    assert checked(further).epochs == 20


def test_a_manifest_says_what_was_before_only_where_something_was(files: Files) -> None:
    """An older mnistnet refuses a field that it does not know."""
    assert "epochs_before" not in claimed(files)


def test_a_fully_connected_layer_is_named() -> None:
    assert failures(honest(TINY))["no fully connected layer"] == "fully connected: layer 5"


# Several


def test_two_hand_ins_of_their_own_differ() -> None:
    several = checking.concluded([examined(honest(seed=seed), f"{seed}.zip") for seed in (1, 2)])
    assert all(check.passed for one in several for check in one.checks if "another's" in check.check)


def test_the_same_log_in_two_hand_ins_is_noticed_in_both(files: Files) -> None:
    other = honest(seed=2)
    value = {**claimed(other), "log": claimed(files)["log"]}
    several = checking.concluded([examined(files, "a.zip"), examined(claiming(other, value), "b.zip")])
    for one, name in zip(several, ("b.zip", "a.zip"), strict=True):
        reasons = {check.check: check.detail for check in one.failed}
        assert reasons["log not another's"].startswith(f"equal to that of {name} in 3 of 3 epochs")


def test_a_log_with_other_last_digits_is_noticed(files: Files) -> None:
    value = claimed(files)
    for row in value["log"]:
        row["train_loss"] *= 1.0001
        row["validation_loss"] *= 0.9999
    several = checking.concluded([examined(files, "a.zip"), examined(claiming(files, value), "b.zip")])
    assert "but for the last digits" in {check.check: check.detail for check in several[1].failed}["log not another's"]


def test_weights_with_a_little_noise_are_noticed(files: Files) -> None:
    noise = np.random.default_rng(1)
    tensors = load(files[WEIGHTS])
    for name in ("conv_1.weight", "conv_2.weight"):
        tensors[name] *= 1 + 0.001 * float(noise.random())
    copy = claiming({**files, WEIGHTS: save(tensors)}, claimed(files))
    several = checking.concluded([examined(files, "a.zip"), examined(copy, "b.zip")])
    found = {check.check: check.detail for check in several[1].failed}
    assert found["weights not another's"] == "almost those of a.zip"


def test_the_gallerys_own_log_is_known(files: Files) -> None:
    from mnistnet import gallery

    curve = gallery.entries()["mnistnet-min"].outcomes[3].curve
    value = claimed(files)
    value["log"] = [{**row, "train_loss": one.train_loss, "validation_loss": one.validation_loss}
                    for row, one in zip(value["log"], curve, strict=False)]  # fmt: skip
    reasons = failures(claiming(files, value))
    assert reasons["log not another's"].startswith("equal to that of the gallery's mnistnet-min, seed 4")


# A folder


def test_a_folder_is_checked_as_its_zip_file(files: Files, tmp_path: Path) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    found = checking.check(tmp_path, COURSE, model_py)
    assert [check.check for check in found.failed] == [ON_THE_SAMPLE]


def test_what_is_no_hand_in_fails_its_only_check(tmp_path: Path) -> None:
    found = checking.check(tmp_path)
    assert (found.is_handin, found.passed, found.verdict) == (False, False, "no hand-in")
    assert "no manifest.json in it" in found.checks[0].detail


def test_the_log_says_what_it_is_of(files: Files) -> None:
    how = recipes.recipe(recipes.parse(files[RECIPE]))
    first = log.text(handin.from_bytes(zipped(files), "a").manifest.log, how).splitlines()[0]
    errors = json.loads(files[MANIFEST])["claims"]["test"]["errors"]
    assert first.startswith("Epoch   1: train loss 2.4429, train accuracy 50.00%, test loss 2.6871, test accuracy ")
    assert f"({297 - errors}/297), learning rate 0.1, 2.0 s" in first
    assert SMALL.name == "small"
