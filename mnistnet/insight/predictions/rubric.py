"""A run against a profile of the assignment's rules: arithmetic on its row of the store. No torch."""

from mnistnet.insight.predictions.evaluation import Score
from mnistnet.nets.architecture import Linear
from mnistnet.nets.rules import Profile, Verdict
from mnistnet.runs.run import Run, RunState


def meets(run: Run, profile: Profile) -> list[Verdict]:
    """The four rules: parameters, epochs, no fully connected layer, accuracy of the final weights on the test set.

    `detail` is the run's own figure, as in `75,328 parameters`. A run that is not done does not pass the last rule.
    """
    linear = _linear_layers(run)
    places = ", ".join(map(str, linear))
    return [
        Verdict(f"under {profile.params:,} parameters", run.params < profile.params, f"{run.params:,} parameters"),
        Verdict(f"under {profile.epochs} epochs", run.recipe.epochs < profile.epochs, epochs(run.recipe.epochs)),
        Verdict(
            "no fully connected layer",
            profile.linear_allowed or not linear,
            f"fully connected layer {places}" if linear else "none",
        ),
        _accuracy(run, profile),
    ]


def _linear_layers(run: Run) -> list[int]:
    """The numbers, from 1, of the fully connected layers."""
    if '"linear"' not in run.architecture_json:  # parsing the designs of 10,000 runs takes seconds
        return []
    return [number for number, layer in enumerate(run.architecture.layers, 1) if isinstance(layer, Linear)]


def epochs(count: int) -> str:
    """A number of epochs in words: `1 epoch`, `19 epochs`."""
    return f"{count} epoch" if count == 1 else f"{count} epochs"


def _accuracy(run: Run, profile: Profile) -> Verdict:
    rule = f"at least {profile.accuracy:.1%} on the test set of MNIST"
    if run.recipe.dataset != "mnist":
        return Verdict(rule, False, f"data set {run.recipe.dataset}")
    if run.state is not RunState.DONE or run.test_errors is None or not run.test_total:
        return Verdict(rule, False, f"{run.state} after {run.epochs_done} of {epochs(run.recipe.epochs)}")
    score = Score(run.test_errors, run.test_total)
    return Verdict(rule, reaches(score, profile), f"{score.accuracy:.2%} on the test set")


def reaches(score: Score, profile: Profile) -> bool:
    """True where the score is at the profile's accuracy or above it: 9,940 of 10,000 are 99.4 %."""
    # The quotient of whole numbers is the float nearest to it; one minus the share of errors may not be.
    return (score.total - score.errors) / score.total >= profile.accuracy
