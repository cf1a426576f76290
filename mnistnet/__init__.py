"""mnistnet: design, train and inspect tiny MNIST networks under a parameter budget."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnistnet.api import Result, build, evaluate, mistakes, presets, summarize, train

__version__ = "0.1.0"
__all__ = ["Result", "build", "evaluate", "mistakes", "presets", "summarize", "train"]

if not TYPE_CHECKING:  # or type checkers would take any name for one of ours

    def __getattr__(name: str) -> object:
        """The names of `mnistnet.api`, imported when one is first used: `import mnistnet` alone stays instant."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from mnistnet import api

        return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
