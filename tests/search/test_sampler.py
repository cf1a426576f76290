"""Proposals: the same log gives the same next one, refusals are learned from, hopeless trials are found."""

from dataclasses import replace
from typing import Any

import pytest

from mnistnet.extras import MissingExtra
from mnistnet.runs.store.store import Store
from mnistnet.search import folder as folders
from mnistnet.search import sampler
from mnistnet.search.choices import RecipeRange
from mnistnet.search.sampler import sampler_of
from mnistnet.search.search import Search, grid_size
from mnistnet.search.studies import importance, study_of
from mnistnet.search.trials import TrialState
from tests.support.searches import WIDTHS, a_search
from tests.support.searching import Instant, run_through

TWO: dict[str, Any] = {"sampler": "nsga2", "objective": "accuracy and parameters"}
KINDS: dict[str, dict[str, Any]] = {
    "tpe": {"sampler": "tpe"},
    "cmaes": {"sampler": "cmaes"},
    "nsga2": TWO,
    "random": {"sampler": "random"},
    "grid": {"sampler": "grid"},
}


def finished(store: Store, search: Search, executor: Instant | None = None) -> Any:
    folder = folders.create(store, search)
    run_through(folder, executor)
    return folder.trials()


@pytest.mark.parametrize("fields", KINDS.values(), ids=KINDS.keys())
def test_a_sampler_that_is_told_the_log_anew_proposes_the_same(store: Store, fields: dict[str, Any]) -> None:
    search = a_search(trials=14, finalists=0, **fields)
    trials = finished(store, search, Instant(slots=1))  # so that none runs while the next one is proposed
    assert len(trials.of_phase("search")) == 14
    for number in (1, 5, 13):
        anew = sampler_of(search)
        for earlier in range(number):
            anew.tell(trials.by_number[earlier])
        if fields["sampler"] != "grid":  # whose first proposal is not the start
            assert anew.ask(number)[0] == dict(trials.by_number[number].values), number


@pytest.mark.parametrize("fields", KINDS.values(), ids=KINDS.keys())
def test_every_value_lies_in_the_space(store: Store, fields: dict[str, Any]) -> None:
    trials = finished(store, a_search(trials=12, finalists=0, **fields))
    for trial in trials.by_number.values():
        assert all(trial.values[choice.name] in choice.options for choice in WIDTHS)  # type: ignore[union-attr]


def test_the_share_of_refused_proposals_falls_as_the_sampler_learns_the_budget(store: Store) -> None:
    trials = finished(store, a_search(trials=60, finalists=0, sampler="tpe", budget={"params": 1200}))
    refused = [trial.state is TrialState.REFUSED for trial in trials.by_number.values()]
    half = len(refused) // 2
    random = finished(store, a_search(trials=60, finalists=0, budget={"params": 1200}))
    assert sum(refused[half:]) < sum(refused[:half])
    assert len(trials.refused) < len(random.refused)
    assert all(trial.params < 1200 for trial in trials.of_phase("search"))


def test_a_grid_is_gone_through_once_and_then_ends(store: Store) -> None:
    space = (WIDTHS[0].model_copy(update={"high": 6}), WIDTHS[1].model_copy(update={"high": 7}))
    search = a_search(trials=50, finalists=0, sampler="grid", space=space)
    trials = finished(store, search)
    assert grid_size(space) == len(trials.by_number) == 12
    assert len({tuple(trial.values.items()) for trial in trials.by_number.values()}) == 12
    assert trials.finished.state == "done"


def test_values_that_were_tried_are_not_trained_again(store: Store) -> None:
    space = (WIDTHS[0].model_copy(update={"high": 6}),)
    executor = Instant()
    trials = finished(store, a_search(trials=50, finalists=0, space=space), executor)
    assert len(executor.submitted) == 3
    assert {trial.state for trial in trials.by_number.values()} == {TrialState.DONE, TrialState.REPEATED}


def test_a_trial_worse_than_half_of_the_others_is_ended_early(store: Store) -> None:
    executor = Instant(lambda task, epoch: 0.9 if task.trial.number < 2 else 0.2)
    search = a_search(
        trials=10, finalists=0, sampler="tpe", pruner="halving", recipe=a_search().recipe.changed(epochs=4)
    )
    trials = finished(store, search, executor)
    pruned = [trial for trial in trials.of_phase("search") if trial.state is TrialState.PRUNED]
    assert pruned
    assert len(executor.cancelled) == len(pruned)
    assert all(len(trial.parts[0].reports) < 4 for trial in pruned)
    assert trials.by_number[0].state is TrialState.DONE


def test_without_optuna_what_needs_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnistnet.extras.find_spec", lambda name: None)
    for fields in ({"sampler": "tpe"}, {"sampler": "random", "pruner": "halving"}):
        with pytest.raises(MissingExtra, match=r"`pip install -r requirements-search\.txt`, or choose random or grid"):
            sampler_of(a_search(**fields))
    assert sampler_of(a_search())
    assert sampler_of(a_search(sampler="grid"))


def test_the_width_that_decides_is_the_more_important_one(store: Store) -> None:
    def score(task: Any, epoch: int) -> float:
        return float(0.5 + task.architecture.layers[0].channels / 50 + task.architecture.layers[2].channels / 5000)

    search = a_search(trials=30, finalists=0)
    trials = finished(store, search, Instant(score))
    first, second = (choice.name for choice in WIDTHS)
    found = importance(search, trials.by_number)
    assert found[first] > 3 * found[second]
    assert sum(found.values()) == pytest.approx(1)
    assert importance(search, dict(list(trials.by_number.items())[:5])) == {}


def test_a_study_has_every_trial_with_its_values_and_epochs(store: Store) -> None:
    search = a_search(trials=8, finalists=1, budget={"params": 1500}, space=(*WIDTHS, RATES))
    trials = finished(store, search)
    searched = [trial for trial in trials.by_number.values() if trial.phase == "search"]
    study = study_of(search, searched)
    assert [trial.params for trial in study.trials] == [dict(trial.values) for trial in searched]
    assert study.best_value == trials.best.accuracy
    assert [trial.state.name for trial in study.trials] == [
        {"done": "COMPLETE", "refused": "PRUNED"}[trial.state] for trial in searched
    ]


RATES = RecipeRange(field="learning_rate", low=0.01, high=1.0, log=True)


def test_what_diverged_counts_as_guessing() -> None:
    search = a_search(sampler="tpe")
    asked = sampler_of(search)
    values, attributes = asked.ask(0)
    from mnistnet.search.trials import Part, Trial

    trial = Trial(0, "search", values, 100, 100, attributes=attributes, parts=(Part(0, 1, "diverged"),))
    asked.tell(trial)
    asked.tell(replace(trial))  # told twice, counted once
    (told,) = asked._study.get_trials()  # type: ignore[attr-defined]
    assert told.value == sampler.GUESSING
