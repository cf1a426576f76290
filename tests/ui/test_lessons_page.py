"""The Lessons page: the lessons that come with mnistnet, a lesson from a file, and one that is made."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet.lessons import lesson as lessons
from mnistnet.lessons.built_in import lessons as built_in
from mnistnet.lessons.codec import decode_lesson, encode_lesson
from mnistnet.lessons.lesson import Lesson
from mnistnet.nets.presets import FIRST
from tests.support.pages import button, opened, texts

pytestmark = pytest.mark.usefixtures("still")


def made(app: AppTest) -> Lesson:
    """The lesson in the link that the page shows."""
    return decode_lesson(parse_qs(urlsplit(app.code[0].value).query)["lesson"][0])


def test_each_lesson_begins_with_a_click() -> None:
    app = opened("lessons")
    for name, lesson in built_in().items():
        assert app.button(key=f"begin-{name}").label == "Begin"
        assert lesson.text.partition("\n")[0].rstrip(".") in texts(app).replace("\\", "")
    app.button(key="begin-transition").click().run()
    assert app.title[0].value == "Design"
    assert app.session_state["_lesson"] == built_in()["transition"]


def test_a_lesson_is_made_by_ticking_boxes() -> None:
    app = opened("lessons")
    app.text_input(key="draft-title").set_value("Narrow layers").run()
    app.text_area(key="draft-text").set_value("Make it *narrow*.").run()
    app.checkbox(key="draft-locked-kernel").check().run()
    app.checkbox(key="draft-hidden-seed").check().run()
    lesson = made(app)
    assert (lesson.title, lesson.text) == ("Narrow layers", "Make it *narrow*.")
    assert (lesson.locked, lesson.hidden) == (("kernel",), ("seed",))
    assert lesson.design == FIRST.architecture
    app.checkbox(key="draft-locked-kernel").uncheck().run()
    assert made(app).locked == ()


def test_a_task_is_added_changed_and_removed() -> None:
    draft = lessons.strict_lesson(
        {"title": "x", "design": FIRST.architecture, "tasks": [{"check": "params"}, {"check": "compare"}]}
    )
    app = opened("lessons", draft=encode_lesson(draft))
    app.number_input(key="draft-0-params-high-int").set_value(9_000).run()
    app.selectbox(key="draft-1-compare-field-str").set_value("batch_size").run()
    first, second = (task.task for task in made(app).tasks)
    assert first == "Have 0 to 9,000 parameters"
    assert second == "Train 2 runs that differ in the batch size and in nothing else"
    button(app, "Remove task 1").click().run()
    assert [task.task for task in made(app).tasks] == [second]


def test_a_setting_that_is_not_allowed_is_refused_with_its_name() -> None:
    draft = lessons.strict_lesson({"title": "x", "design": FIRST.architecture, "tasks": [{"check": "params"}]})
    app = opened("lessons", draft=encode_lesson(draft))
    app.number_input(key="draft-0-params-low-int").set_value(30_000).run()
    assert "low is above high" in texts(app)
    assert made(app) == made(opened("lessons", draft=encode_lesson(draft)))


def test_a_refresh_keeps_the_lesson_that_is_made() -> None:
    app = opened("lessons")
    app.text_input(key="draft-title").set_value("Kept").run()
    again = opened("lessons", **{key: str(value) for key, value in app.query_params.items()})
    assert made(again).title == "Kept"


def test_the_preview_shows_the_panel_and_its_link_begins_the_lesson() -> None:
    draft = lessons.strict_lesson(
        {"title": "Seen", "text": "A text.", "design": FIRST.architecture, "tasks": [{"check": "batchnorm"}]}
    )
    app = opened("lessons", draft=encode_lesson(draft))
    shown = texts(app).replace("\\", "")
    assert "A text." in shown
    assert "Have batch norm behind every convolution" in shown
    begun = opened(lesson=encode_lesson(made(app)))
    assert begun.session_state["_lesson"] == made(app)


def test_a_file_begins_or_is_changed() -> None:
    lesson = built_in()["learning-rate"]
    app = opened("lessons")
    app.file_uploader(key="lesson-file").upload("lesson.json", lesson.to_json().encode(), "application/json").run()
    button(app, "Change it below").click().run()
    assert made(app) == lesson
    app.file_uploader(key="lesson-file").upload("lesson.json", lesson.to_json().encode(), "application/json").run()
    button(app, "Begin this lesson").click().run()
    assert app.session_state["_lesson"] == lesson


def test_a_file_that_is_no_lesson_is_refused_with_the_place() -> None:
    app = opened("lessons")
    broken = json.dumps({**json.loads(built_in()["parameters"].to_json()), "locked": ["colour"]})
    app.file_uploader(key="lesson-file").upload("lesson.json", broken.encode(), "application/json").run()
    button(app, "Begin this lesson").click().run()
    assert "'colour' is no control" in texts(app).replace("\\", "")
    assert app.session_state["_lesson"] is None
