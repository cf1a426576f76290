"""`torchvision.datasets`, also where torchvision's wheel does not match torch's build.

torchvision's Linux wheel on PyPI is linked against CUDA. Beside a CPU build of torch its compiled
operators do not load, and the import dies while registering shapes for `nms`. We use none of them.
"""

import importlib
from types import ModuleType

import torch


def _import_datasets() -> ModuleType:
    return importlib.import_module("torchvision.datasets")


try:
    datasets = _import_datasets()
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    # Declaring the two schemas is enough; the library must stay referenced or they vanish again.
    _schemas = torch.library.Library("torchvision", "DEF")
    for _operator in ("nms", "qnms"):
        _schemas.define(f"{_operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    datasets = _import_datasets()
