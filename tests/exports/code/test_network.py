"""The network in exported code: strangers who have torch alone import it, count it and run it."""

import ast
import io
import json
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mnistnet.exports.code import model_py
from mnistnet.exports.formats import FORMATS
from mnistnet.exports.material import Material, of_run
from mnistnet.insight.network import weights
from mnistnet.insight.network.steps import finish
from mnistnet.nets.architecture import Architecture, DesignError
from mnistnet.nets.network import build
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import Recipe
from tests.exports.code import outside
from tests.exports.code.inspection import DESIGNS, Seen, inspected
from tests.support.samples import TINY, conv, design

HOSTILE_NAMES = (
    '"""',
    "'''",
    "\\",
    '"""; import os; os.abort() #',
    "coding: utf-7 +AGEALGI-",
    "-*- coding: latin-1 -*-",
    "{{ 7 * 7 }}{% raw %}",
    "{% endfilter %}{# #}",
    "# noqa",
    "type: ignore",
    " # fmt: off ",
    "網" * 80,
    "x" * 80,
    "é\u0301" * 40,
    " ",
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("outside")
    return inspected(folder, lambda design: model_py(design, Recipe()), (".safetensors", ".pt"))


@pytest.mark.bar("C6")
def test_importing_it_without_mnistnet_does_nothing_else(seen: Seen) -> None:
    assert {name: (one["is_clean"], one["printed"]) for name, one in seen.items()} == dict.fromkeys(DESIGNS, (True, ""))


@pytest.mark.bar("C6")
def test_it_has_as_many_parameters_as_the_design(seen: Seen) -> None:
    expected = {name: summarize(one).params for name, one in DESIGNS.items()}
    assert {name: one["params"] for name, one in seen.items()} == expected


@pytest.mark.bar("C6")
def test_it_answers_like_the_network_that_was_trained(seen: Seen) -> None:
    assert {name: one["difference"] for name, one in seen.items() if not one["difference"] <= 1e-6} == {}


def test_loaded_weights_are_ready_to_answer(seen: Seen) -> None:
    assert {name for name, one in seen.items() if one["is_training"]} == set()


def test_checkers_find_the_modules_that_are_there(seen: Seen) -> None:
    def kinds(architecture: Architecture) -> list[str]:
        modules = list(build(architecture).modules())
        return [kind.__name__ for kind in outside.SOUGHT if any(isinstance(one, kind) for one in modules)]

    expected = {name: kinds(one) for name, one in DESIGNS.items()}
    assert {name: one["found"] for name, one in seen.items()} == expected


def test_torchsummary_counts_the_same(seen: Seen) -> None:
    pytest.importorskip("torchsummary", reason="torchsummary is not installed")
    expected = {name: summarize(one).params for name, one in DESIGNS.items()}
    assert {name: one["torchsummary"] for name, one in seen.items()} == expected


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_is_a_comment_and_nothing_else(name: str) -> None:
    plain, hostile = (model_py(TINY.renamed(one), Recipe()) for one in ("plain", name))
    # From bytes, as Python reads a file: a comment in its first two lines could choose another encoding.
    assert ast.dump(ast.parse(hostile.encode())) == ast.dump(ast.parse(plain.encode()))
    comments = [
        token.string
        for token in tokenize.tokenize(io.BytesIO(hostile.encode()).readline)
        if token.type == tokenize.COMMENT
    ]
    assert len([comment for comment in comments if comment.startswith("# Design:")]) == 1


def test_the_layer_table_says_shape_window_parameters_and_field() -> None:
    text = model_py(PRESETS["mnistnet-min"].architecture, Recipe())
    lines = {" ".join(line.split()) for line in text.splitlines()}
    assert {
        "# layer output kernel stride padding parameters field jump",
        "# conv_1 16 x 28 x 28 3 1 1 144 3 1",
        "# batchnorm_1 16 x 28 x 28 32 3 1",
        "# maxpool_2 16 x 14 x 14 2 2 0 0 4 2",
        "# total 2,506",
    } <= lines


def test_weights_load_where_torch_is_all_there_is(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(model_py(TINY, Recipe()), encoding="utf-8")
    network = build(TINY, seed=7)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    program = (
        "import sys; sys.path.insert(0, '.'); sys.modules['safetensors'] = sys.modules['numpy'] = None\n"
        "import model, torch\n"
        "print(model.load_weights('weights.safetensors')(torch.ones(1, 1, 28, 28)).tolist())"
    )
    ended = subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    expected = network.eval()(torch.ones(1, 1, 28, 28))
    assert torch.allclose(torch.tensor(json.loads(ended.stdout)), expected, atol=1e-6), ended.stderr


def test_a_state_dict_of_pickled_objects_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text(model_py(TINY, Recipe()), encoding="utf-8")
    torch.save(nn.Linear(1, 1), tmp_path / "weights.pt")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        outside.imported(file).load_weights(tmp_path / "weights.pt")


def test_a_design_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DesignError, match=r"layers\.0"):
        model_py(design(conv(10)), Recipe())


def test_a_run_gives_its_weights_beside_the_code(tmp_path: Path, store: Store) -> None:
    run = next(run for run in GALLERY.runs() if run.name == "mnistnet-min")
    files = finish(FORMATS["code"].files(of_run(store, run)))
    assert list(files) == ["model.py", "weights.safetensors"]
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    network = outside.imported(tmp_path / "model.py").load_weights(tmp_path / "weights.safetensors")
    images = torch.rand(8, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(network(images), weights.network_of(store, run)(images))


def test_a_design_alone_gives_the_code() -> None:
    files = finish(FORMATS["code"].files(Material(TINY, Recipe())))
    assert files == {"model.py": model_py(TINY, Recipe()).encode()}
