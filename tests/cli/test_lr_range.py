"""The command lr-range: its document, its table, and what it refuses."""

import json
from pathlib import Path

import pytest

from mnistnet.cli.program import main
from mnistnet.runs.store.store import Store
from tests.support.samples import TINY

FAST = ["--dataset", "digits", "--set", "optimizer=adam", "--set", "batch_size=64"]


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.json"
    path.write_text(TINY.to_json())
    return str(path)


def test_the_document_has_rates_losses_and_the_range_and_nothing_is_stored(
    capsys: pytest.CaptureFixture[str], store: Store, tiny: str
) -> None:
    assert main(["lr-range", tiny, *FAST, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["rates", "losses", "smoothed", "range"]
    assert len(document["rates"]) == len(document["losses"]) == len(document["smoothed"])
    assert document["rates"] == sorted(document["rates"])
    low, high = document["range"]
    assert document["rates"][0] <= low < high <= document["rates"][-1]
    assert store.runs() == []


def test_people_read_the_range_how_to_train_with_it_and_a_table(
    capsys: pytest.CaptureFixture[str], store: Store, tiny: str
) -> None:
    assert main(["lr-range", tiny, *FAST]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("tiny: learning rate ")
    assert "--set learning_rate=" in first
    assert any("in the range" in line for line in rest)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "neither a preset"),
        (["mnistnet-min", "--recipe", "nope"], "neither a name"),
        (["mnistnet-min", "--set", "learning_rate=fast"], "write a number"),
        (["mnistnet-min", "--set", "epochs=0"], "epochs"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(
    capsys: pytest.CaptureFixture[str], store: Store, arguments: list[str], said: str
) -> None:
    assert main(["lr-range", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert printed.err.count("\n") == 1


def test_a_design_that_cannot_be_built_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "nine.json"
    path.write_text(TINY.with_layers(TINY.layers[:-1]).to_json())
    assert main(["lr-range", str(path), "--dataset", "digits"]) == 2
    assert "layers." in capsys.readouterr().err
