"""The finalists of a search beside its start, with new seeds, and the winner with its test score."""

from statistics import stdev

import pandas as pd
import streamlit as st

from mnistnet.insight.predictions.evaluation import Score
from mnistnet.search import finalists
from mnistnet.search.reports.now import SearchNow
from mnistnet.search.trials import Trial
from mnistnet.ui import cache, widgets


def finals(shown: SearchNow) -> None:
    """The table, and the winner once there is one; nothing before a finalist is done."""
    done = finalists.compared(shown.trials)
    if not done:
        return
    st.subheader("Finalists", anchor=False)
    won = finalists.winner_of(shown.trials)
    rows = [_row(trial, done[0], is_start=place == 0) for place, trial in enumerate(done)]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="finalists",
        placeholder="–",
        alt="; ".join(f"{row['design']}: {row['mean']:.2f}%, {row['with new seeds']}" for row in rows),
        column_config={
            "mean": st.column_config.NumberColumn(format="%.3f%%", help="Validation accuracy, mean over the new seeds"),
            "sd, points": st.column_config.NumberColumn(format="%.3f", help="Standard deviation over the seeds"),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "to the start, points": st.column_config.TextColumn(
                help="Difference of the means, ± two standard errors (Welch)"
            ),
        },
    )
    if shown.trials.finished or won:
        st.caption(
            "Trained with seeds that no trial had: what looked best among many was partly luck. A difference is beyond "
            "the seeds' spread where it is more than two standard errors."
        )
    _winner(shown)


def _row(trial: Trial, start: Trial, *, is_start: bool) -> dict[str, object]:
    accuracies = trial.accuracies
    said, difference = ("the start", "–") if is_start else _compared(trial, start)
    return {
        "design": "start" if is_start else f"trial {trial.of}",
        "with new seeds": said,
        "mean": 100 * (trial.accuracy or 0.0),
        "sd, points": 100 * stdev(accuracies) if len(accuracies) > 1 else None,
        "seeds": len(accuracies),
        "to the start, points": difference,
        "parameters": trial.params,
    }


def _compared(trial: Trial, start: Trial) -> tuple[str, str]:
    gap, error = finalists.difference(trial, start)
    text = f"{100 * gap:+.3f} ± {100 * finalists.BEYOND * error:.3f}"
    if abs(gap) <= finalists.BEYOND * error:
        return "within the seeds' spread", text
    return f"{'better' if gap > 0 else 'worse'}, beyond the seeds' spread", text


def _winner(shown: SearchNow) -> None:
    winner = shown.trials.winner
    run = cache.chosen(winner.run) if winner and winner.run else None
    if winner is None or run is None or run.test_errors is None or not run.test_total:
        return
    first, _ = st.columns([0.6, 0.4])
    with first:
        widgets.score(
            f"Winner: trial {shown.trials.original(winner)}, scored once",
            Score(run.test_errors, run.test_total),
            widgets.split_title(run, "test"),
        )
        if overtaken := finalists.overtaken(shown.trials):
            st.caption(overtaken)
