"""The table of export formats: what each is called, what it needs, and what writes it. Imports no torch."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mnistnet.errors import BadInput
from mnistnet.exports import classroom, handin, metrics, onnx, report, tensorboard, weights
from mnistnet.exports.code import model_py
from mnistnet.exports.material import Material
from mnistnet.exports.notebook import notebook
from mnistnet.extras import Extra
from mnistnet.insight.network.steps import Steps

Files: TypeAlias = Mapping[str, bytes]  # contents by name; a name may have folders in it, separated by /


class OneAtATime(BadInput):
    """Several runs were given for a format that shows one."""


@dataclass(frozen=True)
class Format:
    """One export format.

    `title` and `use` (one sentence) are for people. `needs_run`: a design alone cannot be exported so. `write` gives
    the files, the main one first, or steps to them where it takes long; it raises NeedsRun, and what reading weights or
    data sets raises. `write_series` does the same for several runs, where the format can show them. `extra`: packages
    that it needs. `file`: the name of the main file. `is_folder`: it gives several files or a folder; with `is_alone`,
    a design without a run gives the main file alone. `is_judged`: it has a verdict by the rules of the material's
    profile. `contents`: what is in it, in a few words.
    """

    name: str
    title: str
    use: str
    needs_run: bool
    write: Callable[[Material], Files | Steps[Files]]
    write_series: Callable[[Sequence[Material]], Files | Steps[Files]] | None = None
    extra: Extra | None = None
    is_folder: bool = False
    is_alone: bool = False
    is_judged: bool = False
    file: str = ""
    contents: str = ""

    def files(self, *materials: Material) -> Steps[Files]:
        """The files of one material, or of a series.

        Raises NeedsRun, MissingExtra, OneAtATime for several materials where `write_series` is None, and what `write`
        raises.
        """
        if self.needs_run:
            for material in materials:
                material.required(self.name)
        if self.extra:
            self.extra.require()
        if len(materials) == 1:
            written = self.write(materials[0])
        elif self.write_series:
            written = self.write_series(materials)
        else:
            raise OneAtATime(f"{len(materials)} given: --format {self.name} takes one; give one run or design")
        return (yield from written) if isinstance(written, Generator) else written


def _code(material: Material) -> Files:
    text = model_py(material.architecture, material.recipe).encode()
    if material.result is None:
        return {"model.py": text}
    return {"model.py": text, "weights.safetensors": weights.safetensors(material)}


FORMATS = {
    one.name: one
    for one in (
        Format(
            "handin",
            "Hand-in",
            "One file to hand in: code, weights, log and report; `check` reads it again.",
            needs_run=True,
            write=handin.files,
            is_judged=True,
            file=handin.FILE,
            contents="model.py, weights, log, report, and a manifest with what is claimed and the hash of each file",
        ),
        Format(
            "report",
            "Report",
            "What to hand in beside the code: target, result, model, log, curves and mistakes.",
            needs_run=True,
            write=report.run_files,
            write_series=report.series_files,
            is_folder=True,
            is_judged=True,
            file="report.html",
            contents="One HTML file that opens offline; the same as Markdown with its pictures",
        ),
        Format(
            "code",
            "Code (PyTorch)",
            "The network and its training as a file of plain PyTorch that runs without mnistnet.",
            needs_run=False,
            write=_code,
            is_folder=True,
            file="model.py",
            contents="Net, load_weights and main, which trains; beside it the weights of a run",
            is_alone=True,
        ),
        Format(
            "notebook",
            "Notebook",
            "Training and evaluation from scratch, cell by cell, also on a hosted notebook service.",
            needs_run=False,
            write=lambda material: {"notebook.ipynb": notebook(material)},
            file="notebook.ipynb",
            contents="The design as a table, training, curves, mistakes; no outputs yet",
        ),
        Format(
            "safetensors",
            "Weights (safetensors)",
            "The trained weights for your own PyTorch code or any program that reads safetensors.",
            needs_run=True,
            write=lambda material: {"weights.safetensors": weights.safetensors(material)},
            file="weights.safetensors",
            contents="Tensors by the names of Net in model.py; the design",
        ),
        Format(
            "onnx",
            "Network (ONNX)",
            "The trained network for ONNX Runtime, Netron and most inference engines.",
            needs_run=True,
            write=lambda material: {"model.onnx": onnx.onnx(material)},
            extra=onnx.EXTRA,
            file="model.onnx",
            contents="Graph for any batch size, with weights; the design and how to prepare images",
        ),
        Format(
            "csv",
            "Metrics (CSV)",
            "One line an epoch for a spreadsheet or pandas: losses, accuracies, learning rate, time.",
            needs_run=True,
            write=lambda material: {"metrics.csv": metrics.comma_separated(material)},
            file="metrics.csv",
            contents="A table with a heading; accuracies from 0 to 1, seconds of training",
        ),
        Format(
            "tensorboard",
            "Curves (TensorBoard)",
            "The curves of the run, beside those of other experiments in TensorBoard.",
            needs_run=True,
            write=tensorboard.tensorboard,
            extra=tensorboard.EXTRA,
            is_folder=True,
            file="events.out.tfevents",
            contents="An event file in a folder named after the run; the recipe as hyperparameters",
        ),
        Format(
            "classroom",
            "Checks for a repository",
            "A test and a workflow that check the hand-in in a student's repository at each push.",
            needs_run=False,
            write=lambda _: classroom.classroom(),
            is_folder=True,
            file=classroom.TEST,
            contents="A pytest file and a workflow file; neither imports code of the student",
        ),
    )
}
