"""The format `code`: a design as Python text that needs torch alone."""

from mnistnet.exports.code.model import model_py

__all__ = ["model_py"]
