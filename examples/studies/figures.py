"""What the tables show of a run, and the mean and spread of it over seeds."""

import math
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    title: str
    path: tuple  # where the figure is in a run: {"metrics": metrics.json, "evaluation": evaluation.json}
    scale: float = 1
    digits: int = 2


def _accuracy(title, name):
    return Column(f"{title}, %", ("evaluation", "classifiers", name, "accuracy"), 100)


def _outside(title, name):
    return Column(f"{title}, %", ("evaluation", "classifiers", name, "outside_superclass"), 100)


def _of(title, *path, scale=1, digits=2):
    return Column(title, ("evaluation", *path), scale, digits)


CLASSIFIERS = {
    "nearest_centroid": "nearest centroid",
    "1-nn": "1-NN",
    "5-nn": "5-NN",
    "30-nn": "30-NN",
    "linear_svm": "linear SVM",
    "rbf_svm": "RBF SVM",
    "gaussian": "Gaussian",
}

COLUMNS = {
    **{name: _accuracy(title, name) for name, title in CLASSIFIERS.items()},
    "own": Column("own classifier, %", ("metrics", "final", "softmax_accuracy"), 100),
    # Of ldmat-eval's classifiers the one with the best mean.
    "best": Column("best classifier, %", ()),
    "within": _of("within", "geometry", "mean_same_distance", digits=3),
    "between": _of("between", "geometry", "mean_centre_distance", digits=3),
    "min_ratio": _of("smallest / within", "geometry", "min_ratio"),
    "mean_ratio": _of("mean / within", "geometry", "mean_ratio"),
    "map_at_r": _of("MAP@R", "retrieval", "map_at_r", digits=3),
    "outside_nearest_centroid": _outside("outside, centroid", "nearest_centroid"),
    "outside_30-nn": _outside("outside, 30-NN", "30-nn"),
    "unseen_precision_at_1": _of("unseen: precision@1, %", "unseen", "precision_at_1", scale=100),
    "unseen_map_at_r": _of("unseen: MAP@R", "unseen", "map_at_r", digits=3),
    "unseen_nearest_centroid": _of("unseen: centroid, %", "unseen", "nearest_centroid", scale=100),
}


def value(run, column):
    """The figure of one run, in the column's unit; None where the run has none."""
    at = run
    for key in column.path:
        if not isinstance(at, dict) or key not in at:
            return None
        at = at[key]
    if isinstance(at, bool) or not isinstance(at, (int, float)) or not math.isfinite(at):
        return None
    return at * column.scale


def summary(values, digits):
    """Mean and sample standard deviation (None for one value) of what is there, rounded; None for nothing."""
    there = [each for each in values if each is not None]
    if not there:
        return None
    spread = round(statistics.stdev(there), digits) if len(there) > 1 else None
    return {"mean": round(statistics.fmean(there), digits), "spread": spread, "runs": len(there)}


def row_figures(runs, names):
    """The summary of each column over the runs of one row."""
    result = {}
    for name in names:
        column = COLUMNS[name]
        if name != "best":
            result[name] = summary([value(run, column) for run in runs], column.digits)
            continue
        by_name = {each: summary([value(run, COLUMNS[each]) for run in runs], column.digits)
                   for each in CLASSIFIERS}
        found = {each: made for each, made in by_name.items() if made}
        # Not one that only some of the seeds have, where another has them all.
        best = max(found, key=lambda each: (found[each]["runs"], found[each]["mean"]), default=None)
        result[name] = {**found[best], "which": best} if best else None
    return result


def cell(figure, digits, seeds):
    """The text of a figure in a table."""
    if figure is None:
        return "–"
    text = f"{figure['mean']:.{digits}f}"
    if figure["spread"] is not None:
        text += f" ± {figure['spread']:.{digits}f}"
    if "which" in figure:
        text += f" ({CLASSIFIERS[figure['which']]})"
    if figure["runs"] != seeds:
        text += f" [{figure['runs']} of {seeds} runs]"
    return text
