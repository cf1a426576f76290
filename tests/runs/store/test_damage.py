"""Rows that somebody has edited by hand: shown as damaged beside the others, which they neither hide nor hold up."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from mnistnet.cli.program import main
from mnistnet.runs.backup import backup, restoration
from mnistnet.runs.files.names import RUN_JSON
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.run_rows import DamagedRunError
from mnistnet.runs.store.store import Store
from mnistnet.runs.users import NotOwner, User
from mnistnet.runs.worker import supervisor
from mnistnet.ui import cache
from tests.support.pages import opened, texts
from tests.support.processes import supervisors, until
from tests.support.samples import TINY, metrics, recipe, running

EDITS: dict[str, tuple[str, str]] = {
    "a number at SQLite's end": ("UPDATE runs SET number = 9223372036854775807 WHERE id = ?", "number="),
    "a place in the queue at SQLite's end": ("UPDATE runs SET turn = 9223372036854775807 WHERE id = ?", "turn="),
    "fewer errors than none": ("UPDATE runs SET test_errors = -5 WHERE id = ?", "test_errors=-5"),
    "more errors than images": ("UPDATE runs SET test_errors = 500 WHERE id = ?", "test_errors=500"),
    "an accuracy of 500 %": ("UPDATE epochs SET validation_accuracy = 5.0 WHERE run = ?", "an epoch of it"),
    "an accuracy below all": (
        "UPDATE epochs SET validation_accuracy = -1e300 WHERE epoch = 1 AND run = ?",
        "an epoch of it",
    ),
    "a text for an accuracy": ("UPDATE epochs SET validation_accuracy = 'all' WHERE run = ?", "an epoch of it"),
    "control characters": ("UPDATE runs SET name = 'a' || char(27) || '[2J' WHERE id = ?", "name="),
    "another name than its design's": ("UPDATE runs SET name = 'another' WHERE id = ?", "name='another'"),
    "bytes that are no text": ("UPDATE runs SET message = CAST(x'ff' AS TEXT) WHERE id = ?", "message="),
    "a design that is none": ("UPDATE runs SET architecture_json = '{' WHERE id = ?", "architecture_json"),
    "a recipe out of range": ("UPDATE runs SET recipe_json = '{\"epochs\": 0}' WHERE id = ?", "recipe_json: epochs=0"),
    "an unknown state": ("UPDATE runs SET state = 'asleep' WHERE id = ?", "state='asleep'"),
    "an id that is a path": ("UPDATE runs SET id = '../../x' WHERE id = ?", "id='../../x'"),
}


@pytest.fixture
def two(still: Store) -> tuple[Run, Run]:
    """A run to be damaged, and one to be left alone; both are done."""
    for errors in (7, 9):
        run = running(still)
        for epoch in (1, 2, 3):
            transitions.record_epoch(still, run.id, metrics(epoch, validation_accuracy=epoch / 4))
        transitions.complete(still, run.id, (errors, 297), "ab" * 32)
    second, first = still.runs()
    return first, second


def edit(store: Store, statement: str, run_id: str) -> None:
    with closing(sqlite3.connect(store.database.path)) as connection, connection:
        connection.execute(statement, (run_id,))
    cache.forget()


@pytest.mark.parametrize("case", EDITS)
def test_a_damaged_row_is_named_and_hides_no_other(still: Store, two: tuple[Run, Run], case: str) -> None:
    statement, fault = EDITS[case]
    edit(still, statement, two[0].id)
    assert still.runs() == [two[1]]
    (damaged,) = still.reading().damaged
    assert damaged.fault.startswith(fault)
    assert damaged.fault.isprintable()


@pytest.mark.parametrize("case", EDITS)
def test_a_damaged_row_can_be_deleted_and_a_run_can_be_started(still: Store, two: tuple[Run, Run], case: str) -> None:
    edit(still, EDITS[case][0], two[0].id)
    new = still.enqueue(TINY, recipe())
    assert still.runs()[0] == new
    (damaged,) = still.reading().damaged
    still.delete(damaged.id)
    assert still.runs() == [new, two[1]]
    assert still.reading().damaged == []
    assert still.folder(two[1].id).exists()
    still.request_stop(new.id)


def test_the_folder_of_a_damaged_run_goes_with_its_row(still: Store, two: tuple[Run, Run]) -> None:
    edit(still, EDITS["an unknown state"][0], two[0].id)
    still.delete(two[0].id)
    assert not still.folder(two[0].id).exists()
    assert still.metrics(two[0].id) == []


def test_a_path_for_an_id_leads_nowhere(still: Store, two: tuple[Run, Run]) -> None:
    outside = still.root.parent.parent / "x"
    outside.mkdir(exist_ok=True)
    (outside / "precious").write_text("kept")
    edit(still, EDITS["an id that is a path"][0], two[0].id)
    (damaged,) = still.reading().damaged
    still.delete(damaged.id)
    assert (outside / "precious").read_text() == "kept"


def test_only_an_administrator_deletes_a_damaged_run_where_people_log_in(still: Store, two: tuple[Run, Run]) -> None:
    edit(still, EDITS["an unknown state"][0], two[0].id)
    with pytest.raises(NotOwner, match="damaged: only an administrator may delete it"):
        still.delete(two[0].id, User("ann"))
    still.delete(two[0].id, User("root", is_administrator=True))


@pytest.mark.parametrize("case", EDITS)
def test_commands_list_the_others_and_name_the_damaged_one(
    still: Store, two: tuple[Run, Run], case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(still, EDITS[case][0], two[0].id)
    for arguments in (["runs"], ["runs", "--json"]):
        assert main(arguments) == 0
        said = capsys.readouterr()
        assert two[1].id in said.out
        (line,) = said.err.splitlines()
        assert line.isprintable()
        assert "damaged: " in line
        assert "`python -m mnistnet delete " in line
        if "--json" in arguments:
            assert [entry["run"] for entry in json.loads(said.out)] == [two[1].id]


@pytest.mark.parametrize("command", ["show", "stop", "resume", "evaluate"])
def test_a_command_for_a_damaged_run_says_so_in_one_line(
    still: Store, two: tuple[Run, Run], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(still, EDITS["more errors than images"][0], two[0].id)
    assert main([command, two[0].id]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"mnistnet: run {two[0].id}: damaged: test_errors=500: allowed is 0 to test_total")


def test_delete_takes_a_damaged_run(still: Store, two: tuple[Run, Run], capsys: pytest.CaptureFixture[str]) -> None:
    edit(still, EDITS["more errors than images"][0], two[0].id)
    assert main(["delete", two[0].id, "--yes"]) == 0
    assert still.reading().damaged == []
    assert capsys.readouterr().out == f"{two[0].id} deleted\n"


@pytest.mark.parametrize("page", ["train", "compare"])
def test_pages_show_the_others_and_a_line_about_the_damaged_one(still: Store, two: tuple[Run, Run], page: str) -> None:
    edit(still, EDITS["an accuracy below all"][0], two[0].id)
    app = opened(page, run=two[0].id)
    assert not app.exception
    assert f"run {two[0].id}: damaged: an epoch of it holds what no epoch can have" in texts(app).replace("\\", "")


# While runs wait and train


def test_a_damaged_run_in_the_queue_holds_up_no_other(store: Store) -> None:
    first, second = store.enqueue(TINY, recipe()), store.enqueue(TINY, recipe())
    edit(store, "UPDATE runs SET threads = -1 WHERE id = ?", first.id)
    claimed = transitions.claim(store, 1_000)
    assert claimed is not None
    assert claimed.id == second.id
    assert transitions.claim(store, 1_000) is None
    transitions.finish(store, second.id, RunState.STOPPED)
    store.delete(first.id)


def test_a_damaged_run_that_trains_takes_no_slot(store: Store) -> None:
    lost = running(store)
    edit(store, "UPDATE runs SET name = 'another', threads = 1000000 WHERE id = ?", lost.id)
    waiting = store.enqueue(TINY, recipe())
    claimed = transitions.claim(store, 1)
    assert claimed is not None
    assert claimed.id == waiting.id
    transitions.finish(store, waiting.id, RunState.STOPPED)


def test_a_supervisor_ends_where_only_damaged_runs_wait(store: Store) -> None:
    run = store.enqueue(TINY, recipe())
    edit(store, "UPDATE runs SET params = 1 WHERE id = ?", run.id)
    supervisor.refresh(store)
    assert not supervisors(store)
    supervisor.ensure(store)
    until(lambda: not supervisors(store), seconds=20)
    assert (store.root / supervisor.LOG).read_text() == ""


def test_what_was_written_last_of_a_run_is_not_replaced_by_its_damage(still: Store, two: tuple[Run, Run]) -> None:
    edit(still, EDITS["another name than its design's"][0], two[0].id)
    transitions.forget_epochs_after(still, two[0].id, 2)
    assert json.loads((still.folder(two[0].id) / RUN_JSON).read_text())["run"]["name"] == "tiny"


def test_a_backup_leaves_a_damaged_run_out_and_says_so(still: Store, two: tuple[Run, Run], tmp_path: Any) -> None:
    edit(still, EDITS["an id that is a path"][0], two[0].id)
    assert backup.write(still, tmp_path / "runs.zip").left_out == 1
    target = Store(tmp_path / "target")
    assert restoration.restore(tmp_path / "runs.zip", target).runs == 1
    assert [run.id for run in target.runs()] == [two[1].id]


def test_what_an_error_says_is_stored_as_one_printable_line(store: Store) -> None:
    run = running(store)
    transitions.finish(store, run.id, RunState.FAILED, "a\x1b[2Jb\nc" + "x" * 100_000)
    assert store.run(run.id).message.startswith("a [2Jb cxxx")
    assert len(store.run(run.id).message) == 2_000


def asked(store: Store, run: Run) -> list[Callable[[], object]]:
    return [
        lambda: store.run(run.id),
        lambda: store.request_stop(run.id),
        lambda: store.resume(run.id),
    ]


def test_nothing_but_deletion_is_done_to_a_damaged_run(still: Store, two: tuple[Run, Run]) -> None:
    edit(still, EDITS["an unknown state"][0], two[0].id)
    for change in asked(still, two[0]):
        with pytest.raises(DamagedRunError, match="damaged: state='asleep'"):
            change()


def test_others_can_be_started_beside_a_run_whose_number_is_the_largest_that_is_allowed(store: Store) -> None:
    first = store.enqueue(TINY, recipe())
    with store.database.transaction() as connection:
        connection.execute("UPDATE runs SET number = ? WHERE id = ?", (2**31 - 1, first.id))
    others = [store.enqueue(TINY, recipe()) for _ in range(2)]
    assert [run.id for run in store.runs()] == [first.id, others[1].id, others[0].id]
