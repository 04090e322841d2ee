"""Pictures of a run, by Matplotlib, as SVG that is small and the same each time it is made."""

import io
import math
import re
import warnings
from html import escape

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

# Ten colours that keep apart, those of ldmat-train's own picture, then ten more.
COLOURS = ("#4e79a7 #f28e2b #e15759 #76b7b2 #59a14f #d4a91c #b07aa1 #ff7fa1 #9c755f #6b6b6b "
           "#1b4f8a #a85400 #8f1d2c #2a7f7a #1f6b2c #8a6d00 #6d2f6b #c2185b #5a3a26 #a9a9a9").split()
INK, FAINT = "#333334", "#dcdcdd"  # colours that nothing else has: the page replaces them by its own
STYLE = {
    "svg.hashsalt": "ldmat-report", "svg.fonttype": "none", "text.parse_math": False,
    "path.simplify": False, "font.size": 9, "font.family": "sans-serif",
    "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.facecolor": "none", "axes.edgecolor": FAINT, "grid.color": FAINT, "grid.linewidth": 0.6,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
}


def figure(width, height):
    made = Figure(figsize=(width, height), layout="constrained")
    made.patch.set_visible(False)
    return made


def drawn(draw):
    """Calls a function that draws with this module's style, whatever the user's own is."""
    def with_style(*arguments, **options):
        with matplotlib.rc_context(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of glyphs that Matplotlib's own font lacks
            matplotlib.rcdefaults()
            matplotlib.rcParams.update({key: value for key, value in STYLE.items()
                                        if key in matplotlib.rcParams})
            return draw(*arguments, **options)
    return with_style


def in_tags(pattern, replacement, text):
    """re.sub within the tags only: the text between them, such as a class's name, may look like these."""
    return re.sub("<[^>]+>", lambda tag: re.sub(pattern, replacement, tag[0]), text)


def short_numbers(match):
    """Of a path's numbers, a tenth of a point is enough."""
    data = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.1f}".replace(".0", ""), match[1])
    data = re.sub(r"\s*\n\s*", " ", data).strip()
    data = re.sub(r"M (\S+) (\S+) L \1 \2(?= |$)", r"M\1 \2h0", data)
    return f' d="{data}"'


def svg_of(made):
    """The text of an SVG file. No date, no comments, and no ids but those that are referred to."""
    file = io.StringIO()
    made.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None,
                                                "Type": None})
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", file.getvalue(), flags=re.S)
    text = text[text.index("<svg"):]
    text = in_tags(r'\sd="([^"]*)"', short_numbers, text)
    text = in_tags(r"(font: [^'\"&;]*?\d(?:px|pt)) [^;\"]*", r"\1 sans-serif", text)
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text))
    used = {name for pair in used for name in pair if name}
    text = in_tags(r'\sid="([^"]+)"', lambda match: match[0] if match[1] in used else "", text)
    text = re.sub(r"[ \t]*\n\s*", "\n", text)
    return re.sub(r"<(g|defs)(?:>\s*</\1|/)>\n?", "", text)


def for_page(svg, prefix, label, kind=""):
    """An SVG as part of a page: ids of its own, the page's colours, words for who cannot see it."""
    svg = in_tags(r'(\sid="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    box = re.search(r'viewBox="([^"]*)"', svg)[1]
    svg = re.sub(r"<svg[^>]*>", "", svg, count=1)
    svg = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>\s*", "", svg, flags=re.S)  # of the whole page
    svg = in_tags("xlink:href", "href", svg)
    svg = in_tags(INK, "currentColor", in_tags(FAINT, "var(--line)", svg))
    return (f'<svg class="{kind}" viewBox="{box}" role="img" aria-label="{escape(label)}">'
            f"{svg.strip()}")


def thinned(count, most):
    """Indices of at most so many of `count` things, at even distances."""
    return np.unique(np.arange(min(count, most)) * count // max(1, min(count, most)))


def colour_of(label):
    return COLOURS[label % len(COLOURS)]


def coloured_dots(axes, points, labels, size):
    """One path for all points of a colour: an eighth of the file that a mark for each would need."""
    for colour in np.unique(labels % len(COLOURS)):
        own = points[labels % len(COLOURS) == colour]
        codes = np.tile([Path.MOVETO, Path.LINETO], len(own))
        axes.add_patch(PathPatch(Path(np.repeat(own, 2, axis=0), codes), facecolor="none",
                                 edgecolor=COLOURS[colour], linewidth=size, capstyle="round",
                                 clip_on=False))


def finite(points):
    """Which points are numbers, and not so large that their squares are none."""
    return (np.abs(points) < 1e50).all(axis=1)


def square(axes, points, margin=1.08):
    """Limits that hold all the points, with one scale for both axes. Returns half a side."""
    if len(points) == 0:
        points = np.zeros((1, 2))
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    half = max(1e-6, margin * float((high - low).max()) / 2)
    axes.set_xlim(middle[0] - half, middle[0] + half)
    axes.set_ylim(middle[1] - half, middle[1] + half)
    axes.set_aspect("equal")
    return half


def round_length(most):
    """The largest of 1, 2, 5 times a power of ten up to `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9))


def number(value):
    return f"{value:.3g}"


def moment(axes, points, labels, title, size, most):
    """A picture without axes: a bar shows the scale."""
    good = np.flatnonzero(finite(points))
    half = square(axes, points[good], 1.1)
    shown = good[thinned(len(good), most)]
    coloured_dots(axes, points[shown], labels[shown], size)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
    axes.set_title(title, fontsize=8, color=INK, pad=3)
    length = round_length(half)
    left, bottom = axes.get_xlim()[0] + 0.08 * half, axes.get_ylim()[0] + 0.1 * half
    axes.plot([left, left + length], [bottom, bottom], color=INK, linewidth=1.2)
    axes.text(left, bottom + 0.05 * half, number(length), fontsize=6.5, va="bottom", color=INK)


def moment_title(snapshots, i):
    if snapshots.steps[i] == 0:
        return "untrained"
    return f"epoch {snapshots.epochs[i]:.3g}"


@drawn
def strip(snapshots, most=400, per_row=5):
    """A file of its own: the moments of a training in rows."""
    count = len(snapshots.steps)
    columns = min(per_row, count)
    rows = -(-count // columns)
    made = figure(1.7 * columns, 1.85 * rows)
    made.patch.set_visible(True)
    for i, axes in enumerate(made.subplots(rows, columns, squeeze=False).flat):
        if i >= count:
            axes.set_visible(False)
            continue
        moment(axes, snapshots.features[i], snapshots.labels, moment_title(snapshots, i), 1.7, most)
    title = f"The features of test images at {count} moments of a training"
    svg = svg_of(made).replace("#ffffff", "white")
    return re.sub(r"(<svg[^>]*)>", rf'\1 role="img"><title>{title}</title>', svg, count=1)


@drawn
def frames(snapshots, most=300):
    """The same as pictures on their own."""
    pictures = []
    for i in range(len(snapshots.steps)):
        made = figure(1.7, 1.85)
        moment(made.subplots(), snapshots.features[i], snapshots.labels, moment_title(snapshots, i),
               1.9, most)
        pictures.append(svg_of(made))
    return pictures


@drawn
def scatter(points, labels, names, axis_names, most=2000):
    """Points in the plane, coloured and, up to twenty classes, named at their median."""
    good = np.flatnonzero(finite(points))
    shown = good[thinned(len(good), most)]
    made = figure(5.2, 5.2)
    axes = made.subplots()
    square(axes, points[good])
    axes.grid(True)
    present = np.unique(labels)
    coloured_dots(axes, points[shown], labels[shown], 2.6)
    if len(present) <= 20:
        for label in present:
            own = points[good][labels[good] == label]
            if len(own) and 0 <= label < len(names):
                axes.text(*np.median(own, axis=0), names[label][:24], ha="center", va="center",
                          fontsize=10, fontweight="bold", zorder=3)
    axes.set_xlabel(axis_names[0])
    axes.set_ylabel(axis_names[1])
    axes.tick_params(length=0)
    return svg_of(made), len(shown), len(good)


@drawn
def small_scatter(points, labels, most=400):
    """For pictures side by side."""
    made = figure(1.9, 1.9)
    moment(made.subplots(), points, labels, "", 1.9, most)
    return svg_of(made)


@drawn
def curve(epochs, lines, percent=False):
    """Lines (name, values) over the epochs; where there are two, each has its name at its end."""
    made = figure(3.6, 2.5)
    axes = made.subplots()
    styles = (COLOURS[0], "-"), (COLOURS[1], "--")
    for (name, values), (colour, style) in zip(lines, styles):
        values = np.array([np.nan if value is None else value for value in values], dtype=float)
        axes.plot(epochs, values * (100 if percent else 1), style, color=colour, linewidth=1.8,
                  marker="o" if len(epochs) <= 30 else None, markersize=3, label=name)
    axes.grid(True, axis="y")
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if percent:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    axes.tick_params(length=0)
    if len(lines) > 1:
        axes.legend(frameon=False, fontsize=8.5, loc="best")
    return svg_of(made)


@drawn
def heat_map(distances, names):
    """Distances between classes, light where they are near and could be taken for each other."""
    count = len(distances)
    written = count <= 20
    made = figure(5.6, 5.0) if written else figure(5.6, 4.9)
    axes = made.subplots()
    image = axes.imshow(distances, cmap="viridis_r", vmin=0, interpolation="none")
    if written:
        middle = np.nanmax(distances) * 0.5
        for i in range(count):
            for j in range(count):
                axes.text(j, i, f"{distances[i, j]:.2g}", ha="center", va="center",
                          fontsize=8 if count <= 10 else 5.5,
                          color="#ffffff" if distances[i, j] > middle else "#111111")
    axes.set_xticks(range(count) if written else [])
    axes.set_yticks(range(count) if written else [])
    if written:
        steep = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 3 else {}
        axes.set_xticklabels([name[:16] for name in names], **steep)
        axes.set_yticklabels([name[:16] for name in names])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = made.colorbar(image, ax=axes, shrink=0.85)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    return svg_of(made)
