"""`search` and `searches`: documents, files, exit codes, and what is said of bad input."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from mnistnet.cli.program import main
from mnistnet.runs.store.store import Store
from mnistnet.search import folder as folders
from mnistnet.search.folder import SearchFolder
from mnistnet.search.reports.storage import optuna_storage
from tests.support.searches import a_search
from tests.support.searching import run_through
from tests.test_command_reference import example, shape


@pytest.fixture
def done(store: Store) -> SearchFolder:
    """A search that has ended; nothing was trained for it."""
    folder = folders.create(store, a_search(budget={"params": 1200}))
    run_through(folder)
    return folder


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_search_is_followed_to_its_end(store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "search.json"
    file.write_text(a_search(finalists=0).to_json())
    document = printed(capsys, "search", str(file), "--trials", "2", "--epochs", "1", "--sampler", "random")
    assert (document["state"], document["wanted"], len(document["trials"])) == ("done", 2, 2)
    assert document["best"]["validation_accuracy"] == max(trial["validation_accuracy"] for trial in document["trials"])
    assert document["best"]["run"] in {run.id for run in store.runs()}
    assert main(["searches"]) == 0
    assert "widths" in capsys.readouterr().out


def test_the_documents_have_the_fields_that_are_shown(done: SearchFolder, capsys: pytest.CaptureFixture[str]) -> None:
    document = printed(capsys, "searches", done.id[:5])
    expected = example("search")
    assert document["winner"]
    assert document.keys() == expected.keys()
    assert document["trials"][0].keys() == expected["trials"][0].keys()
    assert shape(document["best"]).keys() == expected["best"].keys()
    assert printed(capsys, "searches") == [document]
    assert document["refused"] == len(done.trials().refused) > 0


def test_the_report_names_finalists_winner_and_difference(
    done: SearchFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["searches", done.id]) == 0
    text = capsys.readouterr().out
    assert "again with 2 new seeds, the start first" in text
    assert "points over the start" in text


def test_csv_has_every_trial_and_every_value(done: SearchFolder, tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    assert main(["searches", done.id, "--csv", str(path)]) == 0
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    trials = done.trials().by_number
    assert [int(row["number"]) for row in rows] == list(trials)
    assert [float(row["width of layer 1"]) for row in rows] == [
        trial.values["width of layer 1"] for trial in trials.values()
    ]
    before = path.read_bytes()
    assert main(["searches", done.id, "--csv", str(path)]) == 2
    assert main(["searches", done.id, "--csv", str(path), "--overwrite"]) == 0
    assert path.read_bytes() == before


def test_an_optuna_storage_opens_in_optuna(done: SearchFolder, tmp_path: Path) -> None:
    import optuna

    path = tmp_path / "study.sqlite"
    path.write_bytes(optuna_storage(done.search(), done.trials()))
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{path}")
    best = done.trials().best
    assert best
    assert study.best_params == dict(best.values)
    assert study.best_value == best.accuracy
    assert len(study.trials) == len([trial for trial in done.trials().by_number.values() if trial.phase == "search"])


BAD = {
    "no space": (["search", "widths"], "neither a ready-made search"),
    "no trials": (["search", "seeds", "--trials", "0"], "trials=0: choose at least 1"),
    "a budget that nothing fits": (
        ["search", "spend-the-rest", "--budget", "20"],
        "has no width that fits 20 parameters",
    ),
    "a design without pools": (["search", "pooling", "--design", "FLAT"], "has no max pool to move; add one"),
    "the test set": (["search", "seeds", "--set", "protocol=course"], "would be chosen by it"),
    "no search": (["searches", "abcd"], "no such search"),
    "no id": (["searches", "--pause"], "this option needs the id of a search"),
    "an unknown sampler": (["search", "seeds", "--sampler", "luck"], "'luck' is not one of"),
    "a file that is no search": (["search", "README.md"], "the file must be one JSON object"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_said_in_one_line_and_leaves_nothing(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    flat = tmp_path / "flat.json"
    flat.write_text(
        '{"version": 1, "name": "flat", "layers": [{"type": "globalavgpool"}, {"type": "linear", "features": 10}]}'
    )
    assert main([str(flat) if one == "FLAT" else one for one in arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (store.root / "searches").exists()
    assert not store.runs()
