"""The Python of docs/export.md runs as it stands there, in a folder with the exported files."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mnistnet.exports import material as materials
from mnistnet.exports import onnx
from mnistnet.exports.formats import FORMATS, Format
from mnistnet.insight.network.steps import finish
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.skipif("code" not in FORMATS, reason="the format code is not there yet")
@pytest.mark.skipif(not (onnx.EXTRA.is_installed and find_spec("onnxruntime")), reason=onnx.EXTRA.installation)
def test_every_example_runs_on_the_files_of_a_run(tmp_path: Path) -> None:
    run = GALLERY.find("gallery-mnistnet-min")
    assert run is not None
    for name in ("code", "safetensors", "onnx", "csv"):
        for file, data in finish(FORMATS[name].files(materials.of_run(Store(), run))).items():
            (tmp_path / file).write_bytes(data)
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(EXAMPLES)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert "tensors" in ended.stdout
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("form", FORMATS.values(), ids=list(FORMATS))
def test_the_page_names_every_format_and_its_file(form: Format) -> None:
    assert f"| `{form.name}` | `{form.file}` |" in PAGE
