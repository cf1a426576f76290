"""The Export page: what it exports, which formats it offers, and the names and contents of downloads."""

import io
import zipfile
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet import links
from mnistnet.exports import material as materials
from mnistnet.exports.formats import FORMATS, Files, Format
from mnistnet.exports.material import Material
from mnistnet.insight.network.steps import Steps, finish
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.runs.files import zip_members
from mnistnet.runs.run import RunState
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import Recipe
from mnistnet.ui import cache, session
from mnistnet.ui.export import downloads
from tests.support.pages import button, opened, texts
from tests.support.situations import ended, queued, running

pytestmark = pytest.mark.usefixtures("still")

OF_RUNS = [form for form in FORMATS.values() if form.needs_run]
GALLERY_RUN = "gallery-mnistnet-4k"


def offered(app: AppTest) -> list[str]:
    """The formats that can be downloaded, by their cards' order."""
    return [str(one.key).split("-")[1] for one in app.download_button]


def what(app: AppTest) -> str:
    """The run's id or the name of the current design that is exported."""
    return str(app.selectbox(key="export-what").value)


def in_one_step(name: str) -> Format:
    """A format of a design, a run or several, whose file says which."""

    def written(chosen: tuple[Material, ...]) -> Steps[Files]:
        yield 0.5
        return {"list.txt": " ".join(one.stem for one in chosen).encode()}

    return Format(
        name,
        "List",
        "A list of names.",
        False,
        write=lambda one: written((one,)),
        write_series=lambda several: written(tuple(several)),
        file="list.txt",
    )


# What is exported


def test_without_a_run_it_is_the_current_design() -> None:
    app = opened("export")
    assert what(app) == session.CURRENT_DESIGN
    assert texts(app).count("Needs a run: train the design, then choose its run above.") == len(OF_RUNS)
    assert set(offered(app)).isdisjoint(form.name for form in OF_RUNS)


def test_a_run_that_was_looked_at_comes_before_the_newest(store: Store) -> None:
    first, second = ended(RunState.STOPPED)(store), ended(RunState.STOPPED)(store)
    assert what(opened("export")) == second.id
    assert what(opened("export", run=first.id)) == first.id


def test_a_link_opens_a_run_of_the_gallery_with_every_format() -> None:
    app = opened("export", export=GALLERY_RUN)
    assert what(app) == GALLERY_RUN
    assert set(offered(app)) == {form.name for form in FORMATS.values() if not form.extra or form.extra.is_installed}


def test_a_run_that_is_not_there_is_named_and_the_design_is_exported() -> None:
    app = opened("export", export="12345678")
    assert not app.exception
    assert "Run 12345678: not in this store." in texts(app)
    assert what(app) == session.CURRENT_DESIGN


def test_a_choice_is_kept_in_the_address() -> None:
    app = opened("export")
    app.selectbox(key="export-what").set_value(GALLERY_RUN).run()
    assert app.query_params["export"] == GALLERY_RUN


def test_a_run_without_an_epoch_says_so_at_each_format_that_needs_one(store: Store) -> None:
    queued(store)
    app = opened("export")
    assert texts(app).count("Needs a finished epoch: this run has none yet.") == len(OF_RUNS)


def test_a_run_without_an_epoch_is_exported_as_its_design(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "list", in_one_step("list"))
    queued(store)
    app = opened("export")
    app.download_button(key="export-list-1").click().run()
    assert not app.error
    assert app.download_button(key="export-list-1").label == "Download list.txt"


def test_a_run_that_trains_says_how_many_epochs_are_exported(store: Store) -> None:
    running(store)
    assert "This run still trains: 1 of 3 epochs finished." in texts(opened("export"))


def test_a_design_that_cannot_be_built_is_sent_back_to_the_design_page() -> None:
    faulty = FIRST.architecture.with_layers(FIRST.architecture.layers[:3])
    app = opened("export", design=links.encode_design(faulty))
    assert not app.exception
    assert [link.label for link in app.page_link] == ["Correct the design"]
    assert offered(app) == []


def test_a_format_whose_packages_are_missing_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnistnet.extras.find_spec", lambda name: None)
    app = opened("export", export=GALLERY_RUN)
    assert "Not installed. To install it: `pip install -r requirements-onnx.txt`" in texts(app)
    assert "onnx" not in offered(app)


def test_reports_and_hand_ins_judge_by_the_rules_in_the_address() -> None:
    app = opened("export", export=GALLERY_RUN, rules="last-5")
    assert texts(app).count("Judged by the rules “last\\-5”") == 2
    commands = app.code[0].value.splitlines()
    assert [line.split(" --format ")[1] for line in commands if "--profile" in line] == [
        "handin --profile last-5",
        "report --profile last-5",
    ]


# Downloads


def test_a_click_makes_the_file_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def write(material: Material) -> Files:
        made.append(material.stem)
        return {"list.txt": b"x"}

    monkeypatch.setitem(FORMATS, "list", Format("list", "List", "A list.", False, write, file="list.txt"))
    app = opened("export")
    assert made == []
    for _ in range(2):
        app.download_button(key="export-list-1").click().run()
    assert made == [FIRST.name]


def test_a_download_that_fails_says_why_and_the_page_stays(store: Store) -> None:
    run = ended(RunState.STOPPED)(store)  # its epoch has no checkpoint
    app = opened("export", export=run.id)
    app.download_button(key="export-safetensors-1").click().run()
    assert not app.exception
    assert "no epoch is stored yet" in app.error[0].value
    assert len(app.run().error) == 0


@pytest.mark.parametrize(
    ("form", "run", "name"),
    [
        ("csv", GALLERY_RUN, "gallery-mnistnet-4k-metrics.csv"),
        ("tensorboard", GALLERY_RUN, "gallery-mnistnet-4k-tensorboard.zip"),
    ],
)
def test_a_download_is_named_after_run_and_file(form: str, run: str, name: str) -> None:
    found = GALLERY.find(run)
    assert found is not None
    assert downloads.file_name(FORMATS[form], [materials.of_run(cache.store(), found)]) == name


@pytest.mark.parametrize(("is_alone", "name"), [(True, "plain-16k-list.txt"), (False, "plain-16k-list.zip")])
def test_a_folder_of_a_design_is_a_zip_file_unless_it_is_one_file(is_alone: bool, name: str) -> None:
    form = replace(in_one_step("list"), is_folder=True, is_alone=is_alone)
    assert downloads.file_name(form, [Material(FIRST.architecture, Recipe())]) == name


def test_a_strangers_name_is_no_path() -> None:
    design = FIRST.architecture.renamed("../..\\con: <b>")
    assert downloads.file_name(in_one_step("list"), [Material(design, Recipe())]) == "con-b-list.txt"


def test_several_files_are_one_zip_file_with_the_same_bytes_each_time() -> None:
    files = {"model.py": b"1", "a/b.txt": b"2"}
    packed = zip_members.packed(files)
    assert packed == zip_members.packed(files)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


# Several runs


def test_several_runs_are_chosen_where_a_format_can_show_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "list", in_one_step("list"))
    runs = (GALLERY_RUN, "gallery-mnistnet-min")
    app = opened("export")
    app.multiselect(key="export-series").set_value(list(runs)).run()
    assert app.query_params["series"] == ",".join(runs)
    series = [materials.of_run(cache.store(), run) for run in GALLERY.runs() if run.id in runs]
    assert downloads.file_name(FORMATS["list"], series) == "2-runs-list.txt"
    assert app.download_button(key="export-list-2").label == "Download list of 2 runs"
    assert finish(FORMATS["list"].files(*series))["list.txt"].split() == [run.encode() for run in sorted(runs)]


# The ways to the page


def test_design_leads_to_the_export_of_the_design_even_where_a_run_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "list", in_one_step("list"))
    app = opened(export=GALLERY_RUN, design=links.encode_design(PRESETS["course-10040"].architecture))
    button(app, "Export as code and more").click().run()
    assert app.title[0].value == "Export"
    assert what(app) == session.CURRENT_DESIGN
    assert "python -m mnistnet export course-10040 --format list" in app.code[0].value


def test_train_leads_to_the_export_of_its_run(store: Store) -> None:
    first, _second = ended(RunState.STOPPED)(store), ended(RunState.STOPPED)(store)
    app = opened("train", run=first.id)
    button(app, "Export").click().run()
    assert (app.title[0].value, what(app)) == ("Export", first.id)


def test_an_ended_run_offers_its_hand_in_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "handin", in_one_step("handin"))
    running(store)
    assert not opened("train").download_button
    cache.forget()
    ended(RunState.STOPPED)(store)
    app = opened("train")
    assert [one.label for one in app.download_button] == ["Download hand-in"]
    app.download_button[0].click().run()
    assert not app.exception
    assert not app.error
