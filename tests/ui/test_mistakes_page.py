"""The Mistakes page: filters, one digit in depth, two runs, calibration."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from mnistnet.cli.commands import cli
from mnistnet.insight.network.saliency import PAPER, covered
from mnistnet.insight.predictions import pairs
from mnistnet.insight.predictions.selection import Selection
from mnistnet.runs.files import predictions
from mnistnet.runs.store.store import Store
from mnistnet.ui import cache, network_cache
from tests.support.pages import button, opened, texts
from tests.support.situations import done

pytestmark = pytest.mark.usefixtures("still")


@pytest.mark.mnist
def test_without_any_run_the_gallerys_mistakes_are_shown() -> None:
    app = opened("mistakes")
    assert not app.exception
    assert app.selectbox(key="pick-run").value == "gallery-mnistnet-16k"
    assert app.metric[0].label == "Accuracy"


def test_a_mistake_is_seen_through_the_network_that_made_it(store: Store) -> None:
    run = done(store)
    app = opened("mistakes")
    index = app.number_input(key="digit-picker").value
    app.segmented_control(key="mistakes-split").set_value("validation").run()
    app.button(key="see-fields").click().run()
    assert app.title[0].value == "Receptive fields"
    assert app.selectbox(key="field-whose").value == run.id
    assert app.number_input(key="field-digit").label.startswith("Digit, index in the validation images of Offline")
    assert index is not None


def test_the_test_set_stays_untouched_until_a_holdout_run_is_done(store: Store) -> None:
    run = done(store)
    with store.database.transaction() as connection:
        connection.execute(
            "UPDATE runs SET state = 'stopped', test_errors = NULL, test_total = NULL, weights_sha256 = NULL"
        )
    cache.forget()
    app = opened("mistakes")
    assert not app.exception
    assert app.segmented_control(key="mistakes-split").options == ["validation"]
    assert run.id


@pytest.mark.bar("E5")
def test_mistakes_are_filtered_by_truth_and_guess(store: Store) -> None:
    run = done(store)
    app = opened("mistakes")
    evaluated = cache.evaluation(run, "test")
    worst = evaluated.mistakes[0]
    app.selectbox(key="filter-truth").set_value(str(worst.label)).run()
    app.selectbox(key="filter-guess").set_value(str(worst.predicted)).run()
    assert f"True label {worst.label}, predicted {worst.predicted}" in texts(app)
    right = np.argwhere(evaluated.confusion == 0)[0]
    app.selectbox(key="filter-truth").set_value(str(right[0])).run()
    app.selectbox(key="filter-guess").set_value(str(right[1])).run()
    assert "No mistake matches these filters" in texts(app)
    button(app, "Show all mistakes").click().run()
    assert "No mistake matches these filters" not in texts(app)


def test_next_opens_the_next_mistake(store: Store) -> None:
    run = done(store)
    app = opened("mistakes")
    mistakes = cache.evaluation(run, "test").mistakes
    button(app, "Next").click().run()
    assert app.number_input(key="digit-picker").value == mistakes[1].index
    assert app.query_params["digit"] == str(mistakes[1].index)


def test_who_asks_about_the_first_mistake_stays_at_it(store: Store) -> None:
    run = done(store)
    app = opened("mistakes")
    assert "digit" not in app.query_params
    app.segmented_control(key="digit-question").set_value("layers").run()
    assert app.query_params["digit"] == str(cache.evaluation(run, "test").mistakes[0].index)


def test_an_accuracy_before_the_end_is_named_with_its_epoch(store: Store) -> None:
    run = done(store)
    assert [metric.label for metric in opened("mistakes").metric][:1] == ["Accuracy"]
    with store.database.transaction() as connection:
        connection.execute("UPDATE runs SET state = 'stopped', test_errors = NULL, test_total = NULL")
    cache.forget()
    assert [metric.label for metric in opened("mistakes").metric][:1] == [f"Accuracy after epoch {run.epochs_done}"]


def test_what_is_shown_is_what_the_command_line_says(store: Store) -> None:
    run = done(store)
    told = json.loads(CliRunner().invoke(cli, ["evaluate", run.id, "--json"]).output)
    app = opened("mistakes")
    assert app.metric[0].value == f"{told['accuracy']:.2%}"
    first = told["mistakes"][0]
    assert app.number_input(key="digit-picker").value == first["index"]
    said = f"**True label {first['label']}, predicted {first['predicted']}** (wrong)"
    assert f"{said}, confidence {first['probability']:.1%}" in texts(app)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("why", "Outside both frames"),
        ("layers", "Feature maps after each layer"),
        ("pixels", "Rely on what both show"),
        ("alike", "Of the 10 most similar training digits"),
    ],
)
def test_a_digit_can_be_asked_each_question(store: Store, question: str, said: str) -> None:
    run = done(store)
    before = store.run(run.id)
    app = opened("mistakes", ask=question)
    assert not app.exception
    assert said in texts(app)
    assert store.run(run.id) == before


def test_an_altered_digit_has_the_prediction_that_is_written_below_it(store: Store) -> None:
    run = done(store)
    images = cache.images("digits", "holdout", "test")
    erasable = 0
    for mistake in cache.evaluation(run, "test").mistakes[:5]:
        app = opened("mistakes", ask="why", digit=str(mistake.index))
        said = [caption.value for caption in app.caption if caption.value.startswith("Without the ink in the orange")]
        erased = network_cache.occlusion(run, images[mistake.index], PAPER)
        rows, columns = np.nonzero(erased.answers == mistake.label)
        assert bool(said) == bool(len(rows))
        if said:
            altered = [
                covered(images[mistake.index], *place, PAPER)
                for place in zip(rows.tolist(), columns.tolist(), strict=True)
            ]
            highest = network_cache.probabilities(run, np.stack(altered))[:, mistake.label].max()
            assert said == [f"Without the ink in the orange frame: predicted **{mistake.label}** ({highest:.0%})"]
            erasable += 1
    assert erasable


def test_some_training_digits_are_searched_at_first_and_all_where_that_is_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_cache, "SEARCHED", 300)
    run = done(store)
    app = opened("mistakes", ask="alike")
    everything = next(toggle for toggle in app.toggle if toggle.label == "Search all 1,375 training digits")
    some, every = (len(network_cache.searched_digits(run, everything=all_)[1]) for all_ in (False, True))
    assert (some, every) == (344, 1375)
    assert "344 of the 1,375 are searched" in everything.help
    everything.set_value(True).run()
    assert not app.exception
    assert "Of the 10 most similar training digits" in texts(app)


def test_mistakes_in_another_order_and_only_the_almost_right(store: Store) -> None:
    run = done(store)
    evaluated = cache.evaluation(run, "test")
    app = opened("mistakes")
    app.selectbox(key="filter-order").set_value("index").run()
    assert app.number_input(key="digit-picker").value == min(mistake.index for mistake in evaluated.mistakes)
    app.toggle(key="filter-almost").set_value(True).run()
    expected = Selection(almost=True, order="index").of(evaluated)
    assert app.number_input(key="digit-picker").value == expected[0].index
    app.slider(key="filter-sure").set_value((100, 100)).run()
    assert "No mistake matches these filters" in texts(app)
    button(app, "Show all mistakes").click().run()
    assert app.slider(key="filter-sure").value == (0, 100)


def test_a_run_is_compared_with_its_own_epochs(store: Store) -> None:
    run = done(store)
    app = opened("mistakes", view="compared", split="validation", run=run.id)
    assert app.selectbox(key="compared-with").options == ["this run, epoch 1", "this run, epoch 2"]
    app.selectbox(key="compared-with").set_value("epoch-2").run()
    kept = cache.guesses(run, 2)
    assert kept is not None
    evaluated = cache.evaluation(run, "validation")
    pair = pairs.pair(kept, evaluated.guesses, evaluated.predictions.labels)
    shown = {metric.label: metric.value for metric in app.metric}
    assert (shown["Fixed"], shown["Newly wrong"]) == (str(len(pair.fixed)), str(len(pair.newly_wrong)))
    assert app.query_params["other"] == "epoch-2"


def test_epochs_that_were_not_kept_are_said_to_be_so(store: Store) -> None:
    run = done(store)
    predictions.guesses_path(store.folder(run.id), 1).unlink()
    app = opened("mistakes", view="compared", split="validation", run=run.id, other="epoch-1")
    assert "No predictions are stored for this run, epoch 1" in texts(app)


def test_calibration_names_its_error_and_temperature(store: Store) -> None:
    done(store)
    app = opened("mistakes", view="trust")
    assert not app.exception
    labels = [metric.label for metric in app.metric]
    assert labels[1] == "Calibration error"
    assert labels[2].startswith("At temperature ")
