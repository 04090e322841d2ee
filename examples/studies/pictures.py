"""The pictures of a study, by matplotlib: small, and with the same bytes each time."""

import io
import math
import textwrap
import warnings

import figures
from results import runs_of
from runner import read_json, thinned, write_whole

COLOURS = "#4e79a7 #f28e2b #e15759 #76b7b2 #59a14f #d4a91c #b07aa1 #ff7fa1 #9c755f #6b6b6b".split()
POINTS = 2000  # of all panels of a picture
STYLE = {
    "svg.hashsalt": "ldmat",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial", "sans-serif"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.edgecolor": "#555555",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "legend.frameon": False,
    "figure.facecolor": "white",
}


def drawing():
    """matplotlib and its pyplot, ready; None where there is none."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("svg")
    matplotlib.rcParams.update(STYLE)
    import matplotlib.pyplot
    return matplotlib.pyplot


def panels(plt, root, table, seeds, one_scale):
    """The test images of seed 1 in the plane, a panel for each row."""
    found = []
    for row, runs in zip(table.rows, runs_of(root, table, seeds)):
        points = read_json(runs[0].folder / "points.json")
        if points and points["features"]:
            evaluation = runs[0].files()["evaluation"] or {}
            found.append((row.name, points, figures.value({"evaluation": evaluation},
                                                          figures.COLUMNS["nearest_centroid"])))
            names = ((runs[0].files()["metrics"] or {}).get("data") or {}).get("classes") or []
    if not found:
        return None
    count = math.ceil(len(found) / (1 if len(found) < 5 else 2 if len(found) < 11 else 3))
    height = math.ceil(len(found) / count)
    figure, axes = plt.subplots(height, count, figsize=(2.4 * count, 2.5 * height + 0.3), squeeze=False,
                                layout="constrained")
    halves = []
    for ax, (name, points, accuracy) in zip(axes.flat, found):
        taken = [(points["labels"][at], *points["features"][at])
                 for at in thinned(points["labels"], POINTS // len(found))]
        for label in sorted({each[0] for each in taken}):
            own = [each for each in taken if each[0] == label]
            ax.plot([x for _, x, _ in own], [y for _, _, y in own], "o", markersize=2.2, markeredgewidth=0,
                    color=COLOURS[label % len(COLOURS)], label=names[label] if label < len(names) else label)
        ax.set_title(name if accuracy is None else f"{name}: {accuracy:.2f} %")
        ranges = [(min(values), max(values)) for values in list(zip(*taken))[1:]]
        half = max(high - low for low, high in ranges) / 2
        halves.append((ax, [(low + high) / 2 for low, high in ranges], half * 1.06 or 1))
    widest = max(half for _, _, half in halves)
    for ax, (x, y), half in halves:
        half = widest if one_scale else half
        ax.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
        ax.locator_params(nbins=5)
    for ax in axes.flat[len(found):]:
        ax.remove()
    handles, texts = axes.flat[0].get_legend_handles_labels()
    if len(texts) <= len(COLOURS):
        # The longer the names, the fewer beside each other.
        beside = max(1, min(len(texts), int(2.4 * count * 11 / (4 + max(map(len, texts))))))
        figure.legend(handles, texts, loc="lower center", ncol=beside, handletextpad=0, columnspacing=1,
                      markerscale=2.5)
        below = (0.1 + 0.2 * math.ceil(len(texts) / beside)) / (2.5 * height + 0.3)
        figure.get_layout_engine().set(rect=(0, below, 1, 1 - below))
    return figure


def lines(plt, summary):
    """Accuracy and separation over what the rows change, a line for each loss."""
    series = {}
    for row in summary["rows"]:
        series.setdefault(row["series"], []).append((row["x"], row["figures"]))
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    drawn = False
    for ax, column, title in ((axes[0], "nearest_centroid", "accuracy by nearest centroid, %"),
                              (axes[1], "mean_ratio", "mean centre distance / distance within")):
        for at, (name, points) in enumerate(series.items()):
            there = [(x, each[column]) for x, each in points if each[column]]
            if not there:
                continue
            drawn = True
            # Beside each other, so that one spread does not hide the other.
            ax.errorbar([x * 2 ** (0.08 * (at - 0.5)) for x, _ in there], [each["mean"] for _, each in there],
                        [each["spread"] or 0 for _, each in there], label=name, marker="o", markersize=3.5,
                        capsize=2, linewidth=1.4, color=COLOURS[at])
        ax.set_xscale("log", base=2)
        ticks = sorted({row["x"] for row in summary["rows"]})
        ax.set_xticks(ticks, [f"{x:,}" for x in ticks])
        ax.minorticks_off()
        ax.set_title(title)
        ax.set_xlabel(summary["first"].split(", ")[-1])
    axes[0].legend()
    return figure if drawn else None


def bars(plt, summary):
    """Accuracies by row: by nearest centroid, by the best classifier, by the loss's own."""
    figure, ax = plt.subplots(figsize=(6.4, 0.5 + 0.42 * len(summary["rows"])), layout="constrained")
    kinds = (("nearest_centroid", "nearest centroid", "o"), ("best", "best classifier", "s"),
             ("own", "own classifier", "^"))
    drawn = False
    for at, (column, label, marker) in enumerate(kinds):
        there = [(place, row["figures"][column]) for place, row in enumerate(summary["rows"])
                 if row["figures"].get(column)]
        if not there:
            continue
        drawn = True
        ax.errorbar([each["mean"] for _, each in there], [place + 0.18 * (at - 1) for place, _ in there],
                    xerr=[each["spread"] or 0 for _, each in there], fmt=marker, markersize=4, capsize=2,
                    color=COLOURS[at], label=label)
    ax.set_yticks(range(len(summary["rows"])), [textwrap.fill(row["name"], 28) for row in summary["rows"]])
    ax.invert_yaxis()
    ax.set_xlabel("accuracy, %")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncol=len(kinds))
    return figure if drawn else None


def draw(plt, root, tables, summary):
    """Draws what the tables ask for into root/<study>. Returns the paths, and what could not be drawn."""
    paths, problems = [], []
    for table, made in zip(tables, summary["tables"]):
        if not table.picture:
            continue
        if table.picture.startswith("points"):
            figure = panels(plt, root, table, summary["seeds"], table.picture.endswith("one scale"))
        else:
            figure = lines(plt, made) if table.picture == "lines" else bars(plt, made)
        path = root / summary["study"] / made["picture"]
        if figure is None:
            problems.append(f"{table.name}: nothing to draw yet")
            continue
        picture = io.StringIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            figure.savefig(picture, format="svg", metadata={"Date": None})
        plt.close(figure)
        write_whole(path, "".join(line.rstrip() + "\n" for line in picture.getvalue().splitlines()))
        paths.append(path)
    return paths, problems
