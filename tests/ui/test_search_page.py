"""The Search page: the form of a new search, one that was really trained, its trials as runs, and what users may do."""

import csv
import shutil
import time
from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet import links
from mnistnet.runs.files import locks
from mnistnet.runs.store.store import Store
from mnistnet.runs.users import User
from mnistnet.search import control, folder
from mnistnet.search.folder import SearchFolder
from mnistnet.search.log import LogReader
from mnistnet.ui import auth, cache, session
from mnistnet.ui.search import buttons, live, reading, table
from tests.support import searches, searching
from tests.support.pages import button, opened, texts
from tests.support.processes import supervisors, until, workers
from tests.support.samples import TINY, conv, design, recipe


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchFolder]:
    """A search that was trained to its end, for all tests of the file, which copy its store."""
    store = Store(tmp_path_factory.mktemp("search") / "runs")
    yield searching.train_through(store, searches.with_rate())
    until(lambda: not supervisors(store) and not workers(store))


@pytest.fixture
def done(still: Store, trained: SearchFolder) -> SearchFolder:
    """That search in a store of the test's own."""
    reading.forget()
    shutil.copytree(trained.store.root, still.root, dirs_exist_ok=True)
    return SearchFolder(still, trained.id)


@pytest.fixture
def unstarted(still: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store in which no controller is started."""
    reading.forget()
    monkeypatch.setattr(control, "_ensure", lambda folder, **_: None)
    return still


def form(**address: str) -> AppTest:
    return opened("search", design=links.encode_design(TINY), recipe=links.encode_recipe(recipe()), **address)


def said(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def tick(app: AppTest, *labels: str) -> AppTest:
    for label in labels:
        next(box for box in app.checkbox if box.label == label).check()
    return app.run()


def number(app: AppTest, label: str) -> object:
    return next(one for one in app.number_input if one.label == label)


def only(store: Store) -> SearchFolder:
    (found,) = folder.all_of(store)
    return found


# A new search


def test_without_a_search_the_form_is_shown(unstarted: Store) -> None:
    app = form()
    assert not app.exception
    assert "906 parameters" in said(app) or "parameters. Recipe of the Design page" in said(app)
    assert button(app, "Start the search").disabled
    assert "Nothing varies yet: tick something" in said(app)


def test_a_design_with_a_fault_is_sent_back_to_be_corrected(unstarted: Store) -> None:
    app = opened("search", design=links.encode_design(design(conv(8, 7), conv(9, 1))))
    assert not app.exception
    assert "The design has an error: layer 2: " in said(app)
    assert not [one for one in app.button if one.label.startswith("Start")]


def test_a_ready_made_search_starts_with_its_button_and_is_shown(unstarted: Store) -> None:
    app = form()
    app.button(key="start-learning-rate").click()
    app = app.run()
    assert not app.exception
    found = only(unstarted).search()
    assert found.name == "learning rate of tiny"
    assert app.session_state[session.search.key] == only(unstarted).id
    assert "Its process starts." in said(app)


def test_a_second_click_starts_no_second_search(unstarted: Store) -> None:
    app = form()
    start = app.button(key="start-seeds")
    start.click()
    app.run()
    start.click()  # on the page as it was
    app.run()
    assert len(folder.all_of(unstarted)) == 1


def test_what_fits_no_design_says_why_and_has_no_button(unstarted: Store) -> None:
    app = opened("search", design=links.encode_design(TINY.with_layers(tuple(TINY.layers[:1] + TINY.layers[2:]))))
    assert "has no max pool to move" in said(app)
    assert "start-pooling" not in [one.key for one in app.button]


def test_a_space_that_is_ticked_together_is_counted_and_started_as_it_stands(unstarted: Store) -> None:
    app = tick(form(), "width of 1", "count of 3", "Peak learning rate (log scale)", "kernel of 3", "dropout of 3")
    assert "5 choices, no end of combinations" in said(app).replace("*", "")
    assert "trainings, finalists and winner included: about" in said(app).replace("*", "")
    number(app, "Trials").set_value(7)  # type: ignore[attr-defined]
    number(app, "Budget: fewer parameters than").set_value(1_500)  # type: ignore[attr-defined]
    number(app, "Seeds of each finalist").set_value(2)  # type: ignore[attr-defined]
    button(app, "Start the search").click()
    app = app.run()
    assert not app.exception
    found = only(unstarted).search()
    assert [choice.name for choice in found.space] == [
        "width of layer 1", "count of layer 3", "kernel of layer 3", "dropout of layer 3", "peak learning rate",
    ]  # fmt: skip
    assert (found.trials, found.budget.params, found.design, found.recipe.protocol) == (7, 1_500, TINY, "holdout")
    assert found.finalist_seeds == 2


def test_all_widths_are_ticked_at_once(unstarted: Store) -> None:
    app = tick(form(), "All widths")
    assert [box.value for box in app.checkbox if box.label.startswith("width of")] == [True, True]
    assert "2 choices" in said(app)


def test_a_wrong_choice_is_named_and_nothing_typed_is_lost(unstarted: Store) -> None:
    app = tick(form(), "width of 1", "Shift (fraction of the width)")
    next(one for one in app.slider if one.label.startswith("Width of layer 1")).set_range(8, 8)
    number(app, "Trials").set_value(9)  # type: ignore[attr-defined]
    app = app.run()
    assert "width of layer 1: low 8 and high 8: choose a low below high" in said(app)
    assert button(app, "Start the search").disabled
    assert number(app, "Trials").value == 9  # type: ignore[attr-defined]
    next(one for one in app.slider if one.label.startswith("Width of layer 1")).set_range(8, 9)
    assert not button(app.run(), "Start the search").disabled


def test_what_is_typed_is_there_again_after_a_visit_to_another_page(unstarted: Store) -> None:
    app = tick(form(), "width of 1")
    number(app, "Trials").set_value(9)  # type: ignore[attr-defined]
    app = app.run()
    app = app.switch_page("pages/compare.py").run()
    app = app.switch_page("pages/search.py").run()
    assert number(app, "Trials").value == 9  # type: ignore[attr-defined]
    assert next(box for box in app.checkbox if box.label == "width of 1").value


def test_a_grid_makes_values_of_a_range(unstarted: Store) -> None:
    app = tick(form(), "width of 1", "Peak learning rate (log scale)")
    app.selectbox(key="search-sampler-False").set_value("grid")
    app = app.run()
    assert "2 choices, 40 combinations" in said(app).replace("*", "")  # eight widths, five rates


def test_two_objectives_offer_the_sampler_that_knows_them(unstarted: Store) -> None:
    app = tick(form(), "width of 1")
    app.selectbox(key="search-objective").set_value("accuracy and parameters")
    app = app.run()
    assert app.selectbox(key="search-sampler-True").options == ["NSGA-II"]
    assert not button(app, "Start the search").disabled


def test_without_optuna_the_page_says_how_to_install_it_and_searches_at_random(
    unstarted: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: str) -> object:
        return None if name == "optuna" else find_spec(name)

    monkeypatch.setattr("mnistnet.extras.find_spec", without)
    app = tick(form(), "width of 1")
    assert "pip install -r requirements-search.txt" in said(app)
    assert app.selectbox(key="search-sampler-False").options == ["random", "grid"]
    app.button(key="start-learning-rate").click()
    assert not app.run().exception
    assert only(unstarted).search().sampler == "random"


def test_an_address_of_no_cluster_is_refused_with_a_sentence_and_stays(unstarted: Store) -> None:
    app = tick(form(), "width of 1")
    app.text_input(key="search-cluster").set_value("nowhere at all")
    button(app, "Start the search").click()
    app = app.run()
    assert not app.exception
    assert "Not started: " in said(app)
    assert folder.all_of(unstarted) == []
    assert app.text_input(key="search-cluster").value == "nowhere at all"


def test_an_address_without_tls_is_used_where_that_is_allowed_on_purpose(
    unstarted: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_ensure", lambda *_, **__: None)
    app = form()
    app.text_input(key="search-cluster").set_value("127.0.0.1:8786")
    assert "search-insecure" not in [box.key for box in app.run().checkbox]
    app.text_input(key="search-cluster").set_value("10.0.0.5:8786")
    app.run()
    app.button(key="start-seeds").click()
    assert "not encrypted, and not on this machine" in said(app.run())
    assert folder.all_of(unstarted) == []
    app.checkbox(key="search-insecure").check()
    app.run()
    app.button(key="start-seeds").click()
    assert not app.run().exception
    assert (only(unstarted).wanted().cluster, only(unstarted).wanted().insecure) == ("10.0.0.5:8786", True)


def test_what_a_search_waits_for_is_shown(done: SearchFolder) -> None:
    done.want(state="running", trials=90)
    done.tell("cluster tcp://127.0.0.1:1: no scheduler answers")
    lock = locks.hold(done.path / folder.LOCK)
    assert lock is not None
    with lock:
        assert "no scheduler answers" in said(opened("search", search=done.id))


def test_only_administrators_may_name_a_cluster(unstarted: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "user", lambda: User("ann"))
    assert form().text_input(key="search-cluster").disabled
    monkeypatch.setattr(auth, "user", lambda: User("root", is_administrator=True))
    assert not form().text_input(key="search-cluster").disabled


# A search that was trained


def test_a_search_shows_how_it_ended_its_figures_and_its_charts(done: SearchFolder) -> None:
    app = opened("search")
    assert not app.exception
    found = done.trials()
    text = said(app)
    assert f"{(found.finished and found.finished.message) or 'no message'}" in text
    assert f"Best: trial {found.best.number if found.best else '?'}" in text
    assert f"{len(found.refused)} of {len([one for one in found.by_number.values() if one.phase == 'search'])}" in text
    assert len(app.get("vega_lite_chart")) == 4  # best so far, plane, parallel coordinates, curves


def test_finalists_are_compared_with_the_start_in_words(done: SearchFolder) -> None:
    app = opened("search")
    frame = next(one for one in app.dataframe if "the start" in str(one.proto.alt)).value
    assert next(iter(frame["with new seeds"])) == "the start"
    assert set(frame["with new seeds"][1:]) <= {
        "within the seeds' spread", "better, beyond the seeds' spread", "worse, beyond the seeds' spread",
    }  # fmt: skip
    assert list(frame["seeds"]) == [2] * len(frame)
    winner = done.trials().winner
    assert (f"Winner: trial {done.trials().original(winner)}, scored once" if winner else "") in said(app)


def test_the_table_has_a_row_a_trial_in_the_order_of_their_numbers(done: SearchFolder) -> None:
    app = opened("search")
    frame = next(one for one in app.dataframe if one.key == f"trials-{done.id}").value
    assert list(frame["trial"]) == list(done.trials().by_number)
    assert "refused" in set(frame["state"])


def test_a_trial_opens_as_a_run_on_each_page(done: SearchFolder) -> None:
    best = done.trials().best
    assert best is not None
    for key, title, parameter in (
        ("trial-run", "Train", session.run_id),
        ("trial-mistakes", "Mistakes", session.run_id),
        ("trial-fields", "Receptive fields", session.network),
        ("trial-export", "Export", session.exported),
    ):
        app = opened("search", search=done.id, trial=str(best.number))
        app.button(key=key).click()
        app = app.run()
        assert not app.exception
        assert app.title[0].value == title
        assert app.session_state[parameter.key] == best.run


def test_a_trial_that_was_ended_early_opens_as_a_run_as_well(done: SearchFolder) -> None:
    best = done.trials().best
    assert best is not None
    log = done.path / "trials.jsonl"
    log.write_text(log.read_text().replace(f'"run": "{best.run}"', '"run": null'))  # as the end of a pruned one says
    reading._watched.clear()
    app = opened("search", search=done.id, trial=str(best.number))
    app.button(key="trial-run").click()
    assert app.run().session_state[session.run_id.key] == best.run


def test_the_design_of_a_trial_becomes_the_current_one_also_where_it_was_refused(done: SearchFolder) -> None:
    refused = done.trials().refused[0]
    app = opened("search", search=done.id, trial=str(refused.number))
    assert refused.why_not in said(app)
    app.button(key="trial-design").click()
    app = app.run()
    design = app.session_state[session.design.key]
    assert (app.title[0].value, design.name) == ("Design", f"tiny-{refused.number}")
    assert design.layers[0].channels == refused.values["width of layer 1"]
    assert app.session_state[session.recipe.key].learning_rate == refused.values["peak learning rate"]


def test_the_select_box_opens_a_trial_and_the_address_names_it(done: SearchFolder) -> None:
    app = opened("search")
    app.selectbox(key="pick-trial").set_value(0)
    app = app.run()
    assert "Trial 0" in said(app)
    assert (app.query_params["search"], app.query_params["trial"]) == (done.id, "0")


def test_the_csv_has_each_trial(done: SearchFolder) -> None:
    rows = list(csv.DictReader(buttons._csv(done.id).decode().splitlines()))
    assert [row["number"] for row in rows] == [str(number) for number in done.trials().by_number]


def test_an_unknown_search_in_the_address_is_said_to_be_so(done: SearchFolder) -> None:
    app = opened("search", search="abcdef0123456789", trial="99")
    assert not app.exception
    assert "not in this store" in said(app)


def test_a_damaged_search_is_told_and_can_be_deleted(done: SearchFolder) -> None:
    (done.path / "search.json").write_text("{}")
    reading._watched.clear()
    app = opened("search")
    assert not app.exception
    assert "version" in said(app)
    app.button(key=f"delete-{done.id}").click()
    assert not app.run().exception
    assert not done.path.exists()


# What users do


def test_a_search_is_paused_resumed_stopped_extended_and_deleted(unstarted: Store) -> None:
    one = control.start(unstarted, searches.with_rate())
    app = opened("search")
    for label, state in (("Pause", "paused"), ("Resume", "running"), ("Stop", "stopped")):
        button(app, label).click()
        app = app.run()
        assert not app.exception
        assert one.wanted().state == state
    number(app, "Trials to add").set_value(5)  # type: ignore[attr-defined]
    button(app, "Add them").click()
    app = app.run()
    assert (one.wanted().state, one.wanted().trials) == ("running", 11)
    button(app, "Stop").click()
    app = app.run()
    button(app, "Delete this search").click()
    app = app.run()
    assert not app.exception
    assert folder.all_of(unstarted) == []
    assert "is deleted; its runs are not." in said(app)


def test_others_may_look_and_change_nothing(unstarted: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one = control.start(unstarted, searches.with_rate(), owner="ann")
    monkeypatch.setattr(auth, "user", lambda: User("bob"))
    app = opened("search")
    assert button(app, "Pause").disabled
    monkeypatch.setattr(auth, "objection", lambda one: None)  # a page whose buttons forget whose search it is
    app = opened("search")
    button(app, "Pause").click()
    app = app.run()
    assert "only they or an administrator may" in said(app)
    assert one.wanted().state == "running"


# Runs of searches on other pages


def test_lists_of_runs_leave_a_searchs_trainings_out_but_for_the_one_that_is_named(done: SearchFolder) -> None:
    best, winner = done.trials().best, done.trials().winner
    assert best is not None
    assert best.run is not None
    scored = [winner.run] if winner else []
    assert [run.id for run in cache.listed_runs()] == scored
    app = opened("train", run=best.run)
    options = app.selectbox(key="pick-run").options
    assert len(options) == 1 + len(scored)
    assert any(f"trial {best.number} of search {done.id}" in option for option in options)


def test_many_waiting_trials_of_a_search_are_one_line_of_the_queue(unstarted: Store) -> None:
    from mnistnet.runs.files.names import new_id
    from mnistnet.runs.store.queue import NewRun, Trial

    shown = unstarted.enqueue(TINY, recipe())
    for trial in range(5):
        new = NewRun(new_id(), TINY, recipe(seed=trial), f"token-{trial}", "", trial=Trial("ab12cd34", trial))
        unstarted.enqueue_new(new)
    cache.forget()
    app = opened("train", run=shown.id)
    assert "5 trials of search ab12cd34 wait" in texts(app)
    assert not [one for one in app.button if one.label == "Stop" and one.key != "stop-run"]
    links_to = [one.proto for one in opened("compare").get("page_link")]
    assert ["search" in one.page for one in links_to if "5 trainings queued" in one.label] == [True]


# How much a look costs


def test_a_look_reads_what_is_new_in_the_log(done: SearchFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    real = LogReader.lines

    def lines(reader: LogReader) -> Iterator[object]:
        found = list(real(reader))
        read.append(len(found))
        return iter(found)

    monkeypatch.setattr(LogReader, "lines", lines)
    reading._watched.clear()
    assert reading.now(done.id).trials == done.trials()
    reading.now(done.id)
    assert read[-1] == 0


def test_the_log_of_a_search_that_has_ended_is_not_read_again(
    done: SearchFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.refresh(done.store)

    def refuse(folder: SearchFolder) -> None:
        raise AssertionError(folder)

    monkeypatch.setattr(SearchFolder, "trials", refuse)
    control.refresh(done.store)


def test_a_search_whose_controller_died_goes_on_when_a_page_is_drawn(
    still: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensured: list[str] = []
    monkeypatch.setattr(control, "_ensure", lambda folder, **_: ensured.append(folder.id))
    one = control.start(still, searches.with_rate())
    ensured.clear()
    time.sleep(1.01)  # states are refreshed once a moment
    opened("design")
    assert ensured == [one.id]


def test_a_tick_takes_less_than_half_a_second_at_a_thousand_trials(
    unstarted: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = control.start(unstarted, searches.with_rate(trials=2_000, recipe=recipe(epochs=1)))
    writer = one.writer()
    for number in range(1_000):
        writer.append(*searches.trained(number, 0.9 + (number * 7919 % 997) / 20_000))
    ticks: list[float] = []

    def timed(room: ModuleType, name: str) -> None:
        real = getattr(room, name)

        def call(*args: object) -> None:
            began = time.thread_time()  # of this thread alone: other tests may run beside
            real(*args)
            ticks[-1] += time.thread_time() - began

        monkeypatch.setattr(room, name, call)

    for room, name in ((live, "_panel"), (live, "_figures"), (table, "trials_panel")):
        timed(room, name)
    ticks.append(0.0)
    app = opened("search")
    for number in range(1_000, 1_003):
        writer.append(*searches.trained(number, 0.95 + number / 1_000_000))
        ticks.append(0.0)
        app = app.run()
    assert not app.exception
    assert "Best: trial 1002" in said(app)
    assert min(ticks[1:]) < 0.5, ticks
