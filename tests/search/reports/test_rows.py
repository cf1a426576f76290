"""The trials of a search as CSV: a line each, a column for each choice, nothing that a spreadsheet would compute."""

import csv

from mnistnet.search.choices import Setting
from mnistnet.search.folder import seeds_of
from mnistnet.search.log import Line, Proposed
from mnistnet.search.reports.rows import COLUMNS, to_csv
from mnistnet.search.trials import Trials, folded
from tests.support.searches import WIDTHS, trained, with_rate

SEARCH = with_rate(space=WIDTHS)


def table(lines: list[Line], one: object = SEARCH) -> list[dict[str, str]]:
    found = folded(Trials(), lines, seeds_of(SEARCH))
    return list(csv.DictReader(to_csv(SEARCH, found.by_number.values()).splitlines()))


def test_each_trial_is_a_line_with_its_values() -> None:
    (row,) = table(trained(0, 0.9125, values={"width of layer 1": 5, "width of layer 3": 6}))
    assert list(row) == [*COLUMNS, "width of layer 1", "width of layer 3"]
    assert (row["number"], row["phase"], row["state"], row["accuracy"]) == ("0", "search", "done", "0.912500")
    assert (row["params"], row["seconds"], row["width of layer 1"]) == ("1000", "3.00", "5")


def test_a_refused_proposal_has_no_accuracy_and_no_run() -> None:
    (row,) = table([Proposed(number=0, values={"width of layer 1": 5}, params=2_000, macs=1, why_not="too many")])
    assert (row["state"], row["accuracy"], row["run"], row["width of layer 3"]) == ("refused", "", "", "")


def test_a_text_that_a_spreadsheet_would_compute_is_text() -> None:
    one = with_rate(space=(Setting(layer=0, field="kernel", options=("=1+1", "3")), *WIDTHS))
    trials = folded(Trials(), trained(0, 0.9, values={"kernel of layer 1": "=1+1"}), seeds_of(one))
    assert "'=1+1" in to_csv(one, trials.by_number.values())
