"""From a teacher's link to a hand-in that is checked: one walk, in a fresh browser profile, on real MNIST."""

import importlib.metadata
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from safetensors.torch import load, save

from mnistnet import links
from mnistnet.cli.program import main
from mnistnet.handins.archive import DESIGN, MODEL, WEIGHTS
from mnistnet.lessons.codec import encode_lesson
from mnistnet.lessons.lesson import strict_lesson
from mnistnet.nets.architecture import strict_architecture
from mnistnet.nets.rules import COURSE
from tests.browser import screen
from tests.browser.conftest import Dashboard
from tests.support.handins import Files, claimed, claiming, zipped
from tests.support.samples import conv, design

pytestmark = [pytest.mark.browser, pytest.mark.mnist]

SMALL = design(
    conv(8, stride=2, padding=1, after=["batchnorm", "relu"]),
    conv(12, stride=2, padding=1, after=["batchnorm", "relu"]),
    conv(10),
    {"type": "globalavgpool"},
    name="small",
)
RULES = COURSE.changed(name="first", title="A first hand-in", params=4_000, epochs=5, accuracy=0.9)
LESSON = strict_lesson(
    {
        "title": "A first hand-in",
        "text": "Widen the first layer, train, and hand in.",
        "design": SMALL,
        "recipe": {"dataset": "mnist", "epochs": 2, "averaging": 0.9},
        "profile": links.encode_profile(RULES),
        "locked": ["kernel", "epochs"],
        "tasks": [
            {"check": "params", "low": 2_300, "high": 3_999},
            {"check": "run", "accuracy": 0.9},
        ],
    }
)


def test_from_a_lessons_link_to_a_checked_hand_in(
    dashboard: Dashboard, page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page.set_default_timeout(60_000)
    handin = tmp_path / "handin.zip"
    _do_the_lesson(page, dashboard.url, handin)
    report = _report(page)
    assert "Target" in report
    assert "A first hand-in" in report or "under 20,000 parameters" in report

    files = _unpacked(handin.read_bytes())
    _runs_where_torch_is_all_there_is(files, tmp_path / "elsewhere")

    rules = tmp_path / "rules.json"
    rules.write_text(RULES.to_json(), encoding="utf-8")
    assert main(["check", str(handin), "--profile", str(rules)]) == 0
    for name, (copy, said) in _tampered(files).items():
        (tmp_path / f"{name}.zip").write_bytes(zipped(copy))
        capsys.readouterr()
        assert main(["check", str(tmp_path / f"{name}.zip"), "--profile", str(rules)]) == 1, name
        failed = [line for line in capsys.readouterr().out.splitlines() if "FAIL" in line]
        assert [line for line in failed if said in line], (name, failed)


def _do_the_lesson(page: Page, url: str, handin: Path) -> None:
    screen.open_page(page, f"{url}/?lesson={encode_lesson(LESSON)}")
    expect(page.get_by_text("Widen the first layer, train, and hand in.")).to_be_visible()
    expect(page.get_by_text("0 of 2 tasks done")).to_be_visible()
    screen.press(page, screen.slider(page, re.compile("Width of layer 1")), *["ArrowRight"] * 3)
    expect(page.get_by_text("1 of 2 tasks done")).to_be_visible()

    page.get_by_role("button", name="Start training").click()
    expect(page.locator("h1")).to_have_text("Train")
    expect(page.get_by_text("All tasks are done.")).to_be_visible(timeout=180_000)
    expect(page.get_by_text(re.compile("A first hand-in” met: 9"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download hand-in").click()
    download.value.save_as(handin)


def _report(page: Page) -> str:
    """The report's Markdown, as the Export page gives it."""
    screen.go_to(page, "Export")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download report.zip").click()
    return _unpacked(Path(download.value.path()).read_bytes())["report.md"].decode()


def _unpacked(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _runs_where_torch_is_all_there_is(files: Files, folder: Path) -> None:
    """Import model.py and load the weights in an interpreter that finds torch and what torch needs, nothing else."""
    folder.mkdir()
    for name in (MODEL, WEIGHTS):
        (folder / name).write_bytes(files[name])
    packages = folder / "packages"
    packages.mkdir()
    for name in _needed("torch"):
        for path in {Path(file.parts[0]) for file in importlib.metadata.files(name) or () if file.parts[0] != ".."}:
            place = importlib.metadata.distribution(name).locate_file(path)
            if not (packages / path).exists() and path.name != "__pycache__":
                (packages / path).symlink_to(str(place))
    program = (
        f"import sys; sys.path[:0] = [{str(packages)!r}, '.']\n"
        "import torch, model\n"
        "network = model.load_weights('weights.safetensors')\n"
        "assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)\n"
        "print(sum(p.numel() for p in network.parameters()), 'mnistnet' in sys.modules)\n"
        "import safetensors"
    )
    ended = subprocess.run([sys.executable, "-I", "-S", "-c", program], cwd=folder, capture_output=True, text=True)
    assert ended.stdout.split() == [str(claimed(files)["claims"]["parameters"]), "False"], ended.stderr
    assert "No module named 'safetensors'" in ended.stderr, "this interpreter finds more than torch"


def _tampered(files: Files) -> dict[str, tuple[Files, str]]:
    """Five copies that a cheat made, hashes written anew, each with a part of the check that fails."""
    weights = {name: tensor * 0.9 if "conv" in name else tensor for name, tensor in load(files[WEIGHTS]).items()}
    weights["conv_3.weight"] = weights["conv_3.weight"].flip(0)
    raised, added, edited, cut = (claimed(files) for _ in range(4))
    for figure in (raised["claims"]["test"], raised["claims"]["validation"]):
        figure.update(errors=1, accuracy=(figure["total"] - 1) / figure["total"])
    added["design"]["layers"].insert(1, {"type": "conv", "channels": 4, "kernel": 1})
    deeper = strict_architecture(added["design"]).to_json().encode()
    edited["log"][0]["validation_accuracy"] = 0.9976
    del cut["log"][1:]
    return {
        "other-weights": (claiming({**files, WEIGHTS: save(weights)}, claimed(files)), "accuracy"),
        "accuracy-raised": (claiming(files, raised), "accuracy"),
        "layer-added": (claiming({**files, DESIGN: deeper}, added), "weights"),
        "log-edited": (claiming(files, edited), "log"),
        "epochs-cut": (claiming(files, cut), "log complete"),
    }


def _needed(name: str) -> set[str]:
    """The package and those that it needs, as far as they are installed."""
    found, left = set(), [name]
    while left:
        one = left.pop()
        if one in found:
            continue
        try:
            needs = importlib.metadata.requires(one) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(one)
        left += [re.split(r"[\s;<>=!~\[(]", need, maxsplit=1)[0] for need in needs if "extra ==" not in need]
    return found
