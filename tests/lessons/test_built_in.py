"""The lessons that come with mnistnet: none is done at its start, each can be done, and what it says is true."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mnistnet.lessons import built_in, holding
from mnistnet.lessons.built_in import lessons
from mnistnet.lessons.lesson import Lesson
from mnistnet.lessons.work import Look, Work
from mnistnet.nets.architecture import Architecture, Conv, Layer, MaxPool
from mnistnet.nets.summary import summarize
from mnistnet.training.recipe import Recipe
from tests.support.lessons import run

ALL = pytest.mark.parametrize("name", lessons())


def undone(lesson: Lesson, work: Work) -> list[str]:
    return [task.task for task in lesson.tasks if not task.outcome(work).done]


def conv(channels: int, kernel: int = 3) -> Conv:
    return Conv(channels=channels, kernel=kernel, padding=kernel // 2, after=("batchnorm", "relu"))


def smaller_kernels(start: Architecture) -> Architecture:
    """3×3 kernels, one convolution more, narrower layers."""
    head = start.layers[-2:]
    pool = MaxPool(size=2)
    return start.with_layers((conv(16), pool, conv(20), pool, conv(24), conv(24), *head))


def pools_moved(start: Architecture) -> Architecture:
    first, pool, *convolutions, second, head, average = start.layers
    layers = (first, convolutions[0], pool, *convolutions[1:3], second, convolutions[3], head, average)
    return start.with_layers(layers)


def transitions_added(start: Architecture) -> Architecture:
    layers: list[Layer] = []
    for layer in start.layers:
        layers += [conv(8, 1), layer] if isinstance(layer, MaxPool) else [layer]
    return start.with_layers(tuple(layers))


def followed_by(start: Architecture, *steps: str, rate: float = 0.0) -> Architecture:
    fields = {"after": steps, "dropout": rate}
    return start.with_layers(
        tuple(
            layer.model_copy(update=fields) if isinstance(layer, Conv) and layer.kernel > 1 else layer
            for layer in start.layers
        )
    )


def with_designs(*designs: Architecture, how: Recipe) -> Work:
    return Work(designs[-1], tuple(run(one, how, 0.99) for one in designs))


def norm_then_dropout(lesson: Lesson) -> Work:
    start = lesson.design
    norm = followed_by(start, "batchnorm", "relu")
    return with_designs(start, norm, followed_by(start, "batchnorm", "relu", "dropout", rate=0.05), how=lesson.start)


def three_rates(lesson: Lesson) -> Work:
    return Work(
        lesson.design,
        tuple(run(lesson.design, lesson.start.changed(learning_rate=rate), 0.97) for rate in (0.01, 0.1, 1.0)),
    )


def three_mistakes(lesson: Lesson) -> Work:
    looks = tuple(Look("gallery-mnistnet-min", "test", index, "why") for index in (1, 2, 3))
    return Work(lesson.design, looks=(*looks, Look("gallery-mnistnet-min", "test", 3, "alike")))


SOLUTIONS: dict[str, Callable[[Lesson], Work]] = {
    "parameters": lambda lesson: Work(smaller_kernels(lesson.design)),
    "receptive-field": lambda lesson: Work(pools_moved(lesson.design)),
    "transition": lambda lesson: Work(transitions_added(lesson.design)),
    "batch-norm-and-dropout": norm_then_dropout,
    "learning-rate": three_rates,
    "mistakes": three_mistakes,
}


@ALL
def test_it_has_tasks_and_its_start_does_not_do_them_all(name: str) -> None:
    lesson = lessons()[name]
    assert undone(lesson, Work(lesson.design)) != []


@ALL
def test_it_can_be_done_with_what_it_leaves_free(name: str) -> None:
    lesson = lessons()[name]
    work = SOLUTIONS[name](lesson)
    assert undone(lesson, work) == []
    assert holding.objection(lesson, "design", work.design) is None
    assert [one.id for one in work.runs if not holding.keeps(lesson, one.architecture, one.recipe)] == []


@ALL
def test_its_design_can_be_built_and_its_text_counts_right(name: str) -> None:
    lesson = lessons()[name]
    summary = summarize(lesson.design)
    assert summary.fault is None
    counts = {int(count.replace(",", "")) for count in re.findall(r"([\d,]+) parameters", lesson.text)}
    limits = {20_000}
    assert counts <= {summary.params} | limits


@ALL
def test_its_file_is_written_as_this_version_writes_it(name: str) -> None:
    file = Path(built_in.__file__).with_name(f"{name}.json")
    assert file.read_text(encoding="utf-8") == lessons()[name].to_json()


def test_each_leads_to_the_next() -> None:
    found = list(lessons().values())
    assert [built_in.following(lesson) for lesson in found] == [*found[1:], None]


def test_a_lesson_that_trains_trains_on_the_offline_sample() -> None:
    for name in ("batch-norm-and-dropout", "learning-rate", "mistakes"):
        assert lessons()[name].start.dataset == "digits"
