"""Training a finished run further: a new run that starts from its weights. Imports no torch."""

from mnistnet.runs.files.names import new_id
from mnistnet.runs.files.verified import verified
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.queue import NewRun, Start
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.runs.worker import supervisor
from mnistnet.training.recipe import Recipe

EPOCHS = 5  # to add, unless another number is chosen
# The finished run's rate had come down to 0. Its full peak, once more, first undoes what that has gained, and few
# epochs only win it back; at a quarter, the added epochs begin near the finished weights.
RATE_SHARE = 0.25


def recipe_of(run: Run, epochs: int, learning_rate: float | None = None) -> Recipe:
    """The recipe of `epochs` added to a run: the run's own, with a whole schedule over the added epochs.

    `learning_rate` is the peak, by default a quarter of the run's. Raises RecipeError.
    """
    return run.recipe.changed(epochs=epochs, learning_rate=learning_rate or usual_rate(run))


def usual_rate(run: Run) -> float:
    """The peak learning rate of added epochs, unless another is chosen."""
    return run.recipe.learning_rate * RATE_SHARE


def submit(store: Store, run_id: str, recipe: Recipe, token: str | None = None, owner: str = "") -> Run:
    """Queue a run that trains a finished run further, by a recipe of `recipe_of`. The finished run is not changed.

    The new run has a copy of the weights: it needs nothing of the other one. Raises WrongState for a run that is not
    done, CheckpointError where the checkpoint of its last epoch is damaged, else as `supervisor.submit`.
    """
    run = store.run(run_id)
    if run.state is not RunState.DONE:
        raise WrongState(f"run {run.id}: it is {run.state}; only a run that is done can be trained further")
    last = store.metrics(run.id)[-1]
    state = verified(store.folder(run.id) / last.checkpoint, last.checkpoint_sha256)
    start = Start(run.id, run.epochs_in_all, state, last.checkpoint_sha256)
    new = store.enqueue_new(NewRun(new_id(), run.architecture, recipe, token, owner, start))
    supervisor.ensure_for(store, new)
    return new
