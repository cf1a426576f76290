"""The names in a store: of runs, and of the files in a run's folder. Patterns match whole names."""

import re
import secrets

RUN_ID, ID_PREFIX = re.compile(r"[0-9a-f]{8}"), re.compile(r"[0-9a-f]{1,8}")
RUN_JSON, DESIGN, RECIPE, RUN_LOG = "run.json", "design.json", "recipe.json", "log.txt"
SAMPLES, FIRST_KERNELS = "samples.bin", "kernels.npy"
START = "start.pt"  # the state of the run that this one starts from
PID = "worker.pid"  # where a worker leaves its process number
CHECKPOINT, GUESSES = re.compile(r"epoch-[0-9]{4,9}\.pt"), re.compile(r"guesses-[0-9]{4,9}\.npz")


def new_id() -> str:
    """The id of a new run, or of a new search: 8 random hexadecimal digits."""
    return secrets.token_hex(4)
