"""The table of export formats: what holds for each of its entries, the two simplest formats, and names of files."""

import csv

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load

from mnistnet.exports import material as materials
from mnistnet.exports.formats import FORMATS, Format, OneAtATime
from mnistnet.exports.material import Material, NeedsRun
from mnistnet.exports.metrics import COLUMNS
from mnistnet.insight.network.steps import Steps, finish
from mnistnet.nets import architecture as designs
from mnistnet.nets.network import build
from mnistnet.nets.presets import FIRST
from mnistnet.runs.sources import GALLERY, NoWeights
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job
from mnistnet.training.recipe import Recipe
from tests.support.samples import TINY, running

DESIGN = Material(FIRST.architecture, Recipe())


@pytest.fixture
def trained(store: Store, monkeypatch: pytest.MonkeyPatch) -> Material:
    """A run of two epochs that was really trained."""
    monkeypatch.setenv("MNISTNET_KERNELS", "off")  # compiling them would take longer
    run = running(store, epochs=2)
    training_job.train(store, run)
    return materials.of_run(store, store.run(run.id))


@pytest.mark.parametrize("form", FORMATS.values(), ids=list(FORMATS))
def test_a_format_says_in_one_sentence_what_it_is_for(form: Format) -> None:
    assert form.use.endswith(".")
    assert form.use.count(". ") == 0
    assert len(form.title) <= 40


@pytest.mark.parametrize("form", [one for one in FORMATS.values() if one.needs_run], ids=lambda one: one.name)
def test_a_format_that_needs_a_run_refuses_a_design_and_says_what_to_do(form: Format) -> None:
    with pytest.raises(NeedsRun, match=f"{form.name} needs a run; train the design and give the run"):
        finish(form.files(DESIGN))


def test_a_format_may_take_steps_and_show_several_runs() -> None:
    def written(*names: str) -> Steps[dict[str, bytes]]:
        yield 0.5
        return {"names": " ".join(names).encode()}

    form = Format(
        "series", "", "", False, lambda one: written(one.stem), lambda all_: written(*(one.stem for one in all_))
    )
    assert finish(form.files(DESIGN)) == {"names": b"plain-16k"}
    assert finish(form.files(DESIGN, DESIGN)) == {"names": b"plain-16k plain-16k"}


def test_a_format_of_one_run_refuses_several() -> None:
    one = materials.of_run(Store(), GALLERY.runs()[0])
    with pytest.raises(OneAtATime, match="2 given: --format csv takes one"):
        finish(FORMATS["csv"].files(one, one))


def test_weights_load_into_the_network_of_the_design_that_is_with_them(
    trained: Material, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = finish(FORMATS["safetensors"].files(trained))["weights.safetensors"]
    path = tmp_path_factory.mktemp("exported") / "weights.safetensors"
    path.write_bytes(data)
    assert trained.result is not None
    with safe_open(path, "pt") as file:
        stated = file.metadata()
    design = designs.parse(stated["design"])
    assert (design, stated["run"]) == (TINY, trained.result.run.id)
    network = build(design)
    network.load_state_dict(load(data))
    stored = trained.result.weights()
    assert all(torch.equal(values, stored[name]) for name, values in network.state_dict().items())


def test_a_run_without_an_epoch_has_no_weights_yet(store: Store) -> None:
    with pytest.raises(NoWeights, match="no epoch is stored yet"):
        finish(FORMATS["safetensors"].files(materials.of_run(store, running(store))))


def test_the_table_of_epochs_reads_back_equal(trained: Material) -> None:
    text = finish(FORMATS["csv"].files(trained))["metrics.csv"].decode()
    assert text.endswith("\r\n")
    assert trained.result is not None
    rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(text.splitlines())]
    assert rows == [{name: getattr(row, name) for name in COLUMNS} for row in trained.result.metrics]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("mnistnet-4k", "mnistnet-4k"),
        ("a b/../c", "a-b-c"),
        ("naïve × 網", "na-ve"),
        ("網", "design"),
        ("x" * 80, "x" * 40),
    ],
)
def test_a_files_name_is_safe_on_every_system(name: str, stem: str) -> None:
    assert Material(FIRST.architecture.renamed(name), Recipe()).stem == stem


def test_a_run_of_the_gallery_names_files_by_its_id(trained: Material) -> None:
    assert trained.result is not None
    assert trained.stem == f"tiny-{trained.result.run.id}"
    assert materials.of_run(trained.result.store, GALLERY.runs()[0]).stem == GALLERY.runs()[0].id


def test_a_format_gives_the_file_that_the_table_says(trained: Material) -> None:
    for form in FORMATS.values():
        if form.extra:  # these take longer, and have tests of their own
            continue
        files = finish(form.files(trained))
        assert next(iter(files)).rpartition("/")[2] == form.file, form.name
        assert form.is_folder or len(files) == 1, form.name
        if not form.needs_run:
            of_design = finish(form.files(DESIGN))
            assert (len(of_design) == 1) is (form.is_alone or not form.is_folder), form.name
