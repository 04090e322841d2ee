"""The HTML page of a run, or of many."""

import json
import re
from html import escape
from pathlib import Path

import numpy as np

import measure
import pictures
from runs import part, plain

HERE = Path(__file__).resolve().parent
METHOD = "https://doi.org/10.1016/j.cviu.2024.104184"
MOST_CLASSES = 500  # in a map of distances
LONGEST = 300  # characters of a value in a table

# Figures: their keys in evaluation.json and metrics.json, and how they are called here.
CLASSIFIERS = [("nearest_centroid", "nearest centroid"), ("1-nn", "nearest neighbour"),
               ("5-nn", "5 nearest neighbours"), ("30-nn", "30 nearest neighbours"),
               ("linear_svm", "linear SVM"), ("rbf_svm", "RBF SVM"),
               ("gaussian", "Gaussian of each class")]
GEOMETRY = [("mean_same_distance", "mean distance within classes"),
            ("mean_centre_distance", "mean distance between centres"),
            ("min_centre_distance", "smallest distance between centres"),
            ("mean_ratio", "ratio between / within"), ("min_ratio", "smallest ratio between / within"),
            ("silhouette", "silhouette"), ("d_prime", "d′")]
RETRIEVAL = [("precision_at_1", "precision at 1"), ("r_precision", "R-precision"), ("map_at_r", "MAP@R")]
UNSEEN = [("classes", "classes"), ("images", "images"), *RETRIEVAL,
          ("nearest_centroid", "nearest centroid")]
FINAL = [("nearest_centroid_accuracy", "accuracy by nearest centroid"),
         ("five_nearest_neighbours_accuracy", "accuracy by 5 nearest neighbours"),
         ("softmax_accuracy", "accuracy by softmax"),
         ("mean_distance_within_classes", "mean distance within classes"),
         ("mean_distance_between_centres", "mean distance between centres"),
         ("smallest_distance_between_centres", "smallest distance between centres"),
         ("ratio_between_to_within", "ratio between / within"),
         ("smallest_ratio_between_to_within", "smallest ratio between / within")]
SHARES = {"accuracy", "outside_superclass", "nearest_centroid", "nearest_centroid_accuracy",
          "five_nearest_neighbours_accuracy", "softmax_accuracy", "precision_at_1", "r_precision",
          "map_at_r"}
# In the comparison of runs, more is better: a name, and where it is looked for first, then else.
COMPARED = [("nearest centroid", ("evaluation", "classifiers", "nearest_centroid", "accuracy"),
             ("metrics", "final", "nearest_centroid_accuracy")),
            ("5 neighbours", ("evaluation", "classifiers", "5-nn", "accuracy"),
             ("metrics", "final", "five_nearest_neighbours_accuracy")),
            ("linear SVM", ("evaluation", "classifiers", "linear_svm", "accuracy")),
            ("RBF SVM", ("evaluation", "classifiers", "rbf_svm", "accuracy")),
            ("softmax", ("metrics", "final", "softmax_accuracy")),
            ("MAP@R", ("evaluation", "retrieval", "map_at_r")),
            ("MAP@R, unseen classes", ("evaluation", "unseen", "map_at_r")),
            ("between / within", ("evaluation", "geometry", "mean_ratio"),
             ("metrics", "final", "ratio_between_to_within")),
            ("silhouette", ("evaluation", "geometry", "silhouette"))]


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def text(value):
    """Any value of a JSON file, as HTML."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}"
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    words = plain(words)
    return escape(words if len(words) <= LONGEST else words[:LONGEST] + " …")


def figure_text(key, value):
    if key in SHARES and is_number(value):
        return f"{100 * value:.2f} %"
    if isinstance(value, float):
        return f"{value:.4g}"
    return text(value)


def table(caption, heads, rows, numbers=True, wide=False):
    """Rows of HTML: the first cell of each is its head. A wide one is scrolled, also by the keyboard."""
    kind = "figures" if numbers else "words"
    region = f' role="region" tabindex="0" aria-label="{escape(caption)}"' if wide else ""
    lines = [f'<div class="scroll"{region}>',
             f'<table class="{kind}"><caption>{escape(caption)}</caption>']
    if heads:
        lines.append("<thead><tr>" + "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
                     + "</tr></thead>")
    lines.append("<tbody>")
    for head, *cells in rows:
        lines.append(f'<tr><th scope="row">{head}</th>' + "".join(f"<td>{cell}</td>" for cell in cells)
                     + "</tr>")
    lines.append("</tbody></table></div>")
    return "\n".join(lines)


def figures_table(caption, content, wanted):
    rows = [(escape(name), figure_text(key, content[key])) for key, name in wanted if key in content]
    for key, value in content.items():  # what later versions add
        inner = value if isinstance(value, dict) else {"": value}
        rows += [(escape(plain(f"{key} {name}".strip().replace("_", " "))), figure_text(name or key, one))
                 for name, one in inner.items() if key not in dict(wanted) and isinstance(one, (int, float))]
    return table(caption, [], rows) if rows else ""


def classifiers_table(run):
    content = part(run.evaluation, "classifiers")
    known = dict(CLASSIFIERS)
    entries = [(known.get(key, plain(key)), part(content, key))
               for key in [*known, *(key for key in content if key not in known)] if key in content]
    softmax = part(run.metrics, "final").get("softmax_accuracy")
    if entries and is_number(softmax):
        entries.append(("softmax, the loss's own", {"accuracy": softmax}))
    heads = ["classifier", "accuracy"]
    if any("outside_superclass" in entry for _, entry in entries):
        heads.append("outside the superclass")
    rows = [(escape(name), *(figure_text(key, entry.get(key))
                             for key in ("accuracy", "outside_superclass")[:len(heads) - 1]))
            for name, entry in entries]
    return table("Classifiers on the features of the test images", heads, rows) if rows else ""


def picture(svg, prefix, label, caption, kind=""):
    return (f"<figure>{pictures.for_page(svg, prefix, label, kind)}"
            f"<figcaption>{escape(caption)}</figcaption></figure>")


def section(title, identity, *content):
    content = [piece for piece in content if piece]
    if not content:
        return ""
    return (f'<section aria-labelledby="{identity}"><h3 id="{identity}">{escape(title)}</h3>\n'
            + "\n".join(content) + "\n</section>")


def curves(run, prefix):
    epochs = run.metrics.get("epochs")
    epochs = [entry for entry in epochs if isinstance(entry, dict)] if isinstance(epochs, list) else []

    def values(key):
        found = [entry.get(key) for entry in epochs]
        return [value if is_number(value) else None for value in found]

    numbers = [value if value is not None else i + 1 for i, value in enumerate(values("epoch"))]
    made = []
    for key, title, lines, percent in (
            ("loss", "Loss: mean over the steps of an epoch", [("loss", "loss")], False),
            ("accuracy", "Accuracy of up to 2,000 test images by nearest centroid",
             [("accuracy", "nearest_centroid_accuracy_of_2000")], True),
            ("distances", "Mean distance of pairs in a batch, over the steps of an epoch",
             [("within classes", "mean_same_distance"),
              ("between classes", "mean_different_distance")], False)):
        drawn = [(name, values(source)) for name, source in lines]
        if key == "distances":  # a loss that is not of distances gives zeros
            drawn = [(name, line) for name, line in drawn if any(line)]
        drawn = [(name, line) for name, line in drawn if any(value is not None for value in line)]
        if not drawn:
            continue
        ends = "; ".join(
            f"{name} {first:.4g} after epoch {numbers[0]:g}, {last:.4g} after epoch {numbers[-1]:g}"
            for name, (first, last) in ((name, [next(v for v in order if v is not None)
                                                for order in (line, line[::-1])])
                                        for name, line in drawn))
        made.append(picture(pictures.curve(numbers, drawn, percent), f"{prefix}-{key}",
                            f"{title}. {ends}.", title))
    return f'<div class="grid curves">{"".join(made)}</div>' if made else ""


def in_the_plane(features):
    """Points, the axes' names, and what the projection is, if there is one."""
    good = pictures.finite(features.values)
    values, labels = features.values[good], features.labels[good]
    dimensions = values.shape[1]
    if dimensions == 2 or len(values) == 0:
        points = values if dimensions == 2 else np.zeros((0, 2))
        return points, labels, ("feature 1", "feature 2"), ""
    if dimensions == 1:
        return np.column_stack([values[:, 0], labels]), labels, ("feature 1", "class"), ""
    points, share = measure.projection(values)
    note = (f"2-D PCA projection of {dimensions}-dimensional features: {100 * share:.0f} % of the "
            "variance; distances in the picture are smaller than they are")
    return points, labels, ("principal component 1", "principal component 2"), note


def colours_of(run, labels):
    """The classes to colour: the superclasses, where there are many classes in a few of those."""
    coarse = run.classes.get("coarse")
    names = run.classes.get("coarse_names")
    known = (isinstance(coarse, list) and isinstance(names, list) and labels.size
             and 0 <= labels.min() and labels.max() < len(coarse)
             and all(isinstance(c, int) and 0 <= c < len(names) for c in coarse))
    if len(np.unique(labels)) > len(pictures.COLOURS) and known:
        return np.array(coarse)[labels], [plain(name) for name in names], "superclass"
    return labels, run.class_names, "class"


def legend(labels, names):
    present = [int(label) for label in np.unique(labels)]
    if len(present) > len(pictures.COLOURS):
        return ""
    items = "".join(
        f'<li><span class="dot" style="background:{pictures.colour_of(label)}"></span>'
        f"{escape(names[label] if 0 <= label < len(names) else str(label))}</li>" for label in present)
    return f'<ul class="legend" aria-label="colours">{items}</ul>'


def scatter(run, prefix, features, whose, most):
    if features is None or len(features.values) == 0:
        return ""
    points, labels, axis_names, note = in_the_plane(features)
    colours, names, of = colours_of(run, labels)
    svg, shown, count = pictures.scatter(points, colours, names, axis_names, most)
    caption = f"{count:,} {whose}" + (f", of which {shown:,} are drawn" if shown < count else "")
    caption += f"; a colour for each {of}" + (". " + note if note else "") + "."
    missing = len(features.values) - count
    if missing:
        caption += f" {missing:,} with features that are not finite are left out."
    label = f"Scatter plot of {caption} " + ", ".join(names[:20])
    return picture(svg, prefix, label, caption, "scatter") + legend(colours, names)


def class_map(run, prefix):
    if run.test is None:
        return ""
    good = pictures.finite(run.test.values)
    values, labels = run.test.values[good], run.test.labels[good]
    if not 2 <= len(np.unique(labels)) <= MOST_CLASSES:
        return ""
    metric = run.options.get("metric")
    metric = metric if isinstance(metric, str) else "euclidean"
    classes, distances = measure.class_distances(values, labels, metric)
    names = [run.class_name(int(label)) for label in classes]
    nearest = measure.nearest_pairs(distances, 8)
    caption = (f"Distance ({metric}) between the centres of classes of the test images; on the diagonal "
               "the mean distance of a class's images from its centre. Lighter is nearer: two classes "
               "as near as they are wide are taken for each other.")
    rows = [(f"{escape(names[i])} – {escape(names[j])}", f"{d:.4g}",
             f"{d / max(1e-30, distances[i, i] + distances[j, j]):.3g}") for d, i, j in nearest]
    return ('<div class="beside">'
            + picture(pictures.heat_map(distances, names), prefix,
                      f"Heat map of {len(classes)} by {len(classes)} classes. {caption}", caption)
            + table("The nearest classes", ["classes", "distance", "distance / sum of both widths"], rows)
            + "</div>")


def embedded(value):
    """JSON within a script element: nothing in it can end the element."""
    return (json.dumps(value, separators=(",", ":"), allow_nan=False).replace("&", "\\u0026")
            .replace("<", "\\u003c").replace(">", "\\u003e"))


def player(run, prefix, most):
    """The moments as whole numbers: a moment's square is 0 to 4095 each way, and a point that is not
    finite is -1 both ways."""
    shots = run.snapshots
    shown = pictures.thinned(len(shots.labels), most)
    moments = []
    for i, points in enumerate(shots.features):
        finite = pictures.finite(points)
        good = points[finite]
        low = good.min(axis=0) if len(good) else np.zeros(2)
        high = good.max(axis=0) if len(good) else np.ones(2)
        side = max(1e-6, 1.1 * float((high - low).max()))
        corner = (low + high - side) / 2
        whole = np.full((len(shown), 2), -1.0)
        drawn = finite[shown]
        whole[drawn] = (points[shown][drawn] - corner) / side * 4095
        moments.append({"title": pictures.moment_title(shots, i), "step": shots.steps[i], "side": side,
                        "x": whole[:, 0].round().astype(int).tolist(),
                        "y": whole[:, 1].round().astype(int).tolist()})
    data = {"colours": list(pictures.COLOURS), "labels": shots.labels[shown].tolist(),
            "moments": moments}
    last = len(moments) - 1
    return f"""<div class="player" id="{prefix}" hidden>
<canvas width="720" height="720" role="img" aria-label="The features of {len(shown)} test images, moving \
through the training"></canvas>
<div class="controls">
<button type="button" class="play" aria-pressed="false">Play</button>
<label for="{prefix}-slider">Moment</label>
<input id="{prefix}-slider" type="range" min="0" max="{last}" step="any" value="{last}">
<output for="{prefix}-slider" aria-live="polite"></output>
</div>
<script type="application/json">{embedded(data)}</script>
</div>
<noscript><p class="note">The animation needs JavaScript; the pictures show the same.</p></noscript>"""


def training(run, prefix, sizes):
    if run.snapshots is None:
        return ""
    items = []
    for i, svg in enumerate(pictures.frames(run.snapshots, sizes["strip"])):
        title = pictures.moment_title(run.snapshots, i)
        label = f"Features after step {run.snapshots.steps[i]} ({title})"
        items.append(f'<li>{pictures.for_page(svg, f"{prefix}-strip{i}", label)}</li>')
    names = run.class_names or run.snapshots.names
    return (f'<ol class="strip">{"".join(items)}</ol>'
            '<p class="note">Features of the same test images at moments of the training. Each picture '
            "has its own scale, which its bar shows.</p>"
            + player(run, f"{prefix}-player", sizes["player"]) + legend(run.snapshots.labels, names))


def missing(run):
    if not run.missing:
        return ""
    items = "".join(f"<li><code>{escape(file)}</code>: {escape(what)}</li>" for file, what in run.missing)
    return f'<ul class="missing">{items}</ul>'


def option_rows(run):
    rows = [(f"<code>--{escape(plain(name))}</code>", text(value)) for name, value in run.options.items()]
    extra = {"program": "program", "version": "version", "parameters": "parameters of the network",
             "threads": "threads", "seconds": "seconds of training"}
    rows += [(escape(name), text(run.metrics[key])) for key, name in extra.items() if key in run.metrics]
    data = part(run.metrics, "data")
    for key, name in (("training_images", "training images"), ("test_images", "test images"),
                      ("shape", "channels, height, width")):
        if key in data:
            rows.append((name, text(data[key])))
    return rows


def summary(run):
    o = run.options
    words = [str(o[key]) for key in ("dataset", "loss", "network") if key in o]
    if "dim" in o:
        words.append(f"{o['dim']} features")
    if "epochs" in o:
        words.append(f"{o['epochs']} epochs")
    return text(", ".join(words))


def article(run, prefix, sizes):
    rows = option_rows(run)
    options = (f"<details><summary>Options and data</summary>"
               f'{table("Options and data", [], rows, numbers=False)}</details>' if rows else "")
    final = figures_table("Figures of the test images, by ldmat-train", part(run.metrics, "final"), FINAL)
    tables = [final, classifiers_table(run),
              figures_table("Geometry", part(run.evaluation, "geometry"), GEOMETRY),
              figures_table("Retrieval", part(run.evaluation, "retrieval"), RETRIEVAL),
              figures_table("Classes that were not trained on", part(run.evaluation, "unseen"), UNSEEN)]
    tables = "".join(one for one in tables if one)
    return "\n".join(filter(None, [
        f'<article id="{prefix}" aria-labelledby="{prefix}-title">',
        f'<h2 id="{prefix}-title">{escape(run.name)}</h2>',
        f'<p class="summary">{summary(run)}</p>' if run.options else "",
        section("What was not there", f"{prefix}-missing", missing(run)),
        section("Figures", f"{prefix}-figures", f'<div class="grid tables">{tables}</div>' if tables else "",
                options),
        section("Features of the test images", f"{prefix}-features",
                scatter(run, f"{prefix}-test", run.test, "test images", sizes["scatter"])),
        section("Features of classes that were not trained on", f"{prefix}-unseen",
                scatter(run, f"{prefix}-new", run.unseen, "images of unseen classes", sizes["scatter"])),
        section("Through the training", f"{prefix}-training", training(run, prefix, sizes)),
        section("Curves", f"{prefix}-curves", curves(run, prefix)),
        section("Distances between classes", f"{prefix}-classes", class_map(run, f"{prefix}-map")),
        "</article>"]))


def found_at(run, *paths):
    for first, *rest, last in paths:
        content = getattr(run, first)
        for key in rest:
            content = part(content, key)
        value = content.get(last)
        if is_number(value):
            return value
    return None


def comparison(all_runs, prefixes):
    """The options that differ, then the figures that any run has; the best of each data set stands out."""
    names = list(dict.fromkeys(name for run in all_runs for name in run.options))
    differing = [name for name in names
                 if len({json.dumps(run.options.get(name)) for run in all_runs}) > 1]
    columns = [(name, paths) for name, *paths in COMPARED
               if any(found_at(run, *paths) is not None for run in all_runs)]
    best = {}
    for name, paths in columns:
        for run in all_runs:
            key = name, json.dumps(run.options.get("dataset"))
            value = found_at(run, *paths)
            if value is not None:
                best.setdefault(key, []).append(value)
    rows = []
    for run, prefix in zip(all_runs, prefixes):
        row = [f'<a href="#{prefix}">{escape(run.name)}</a>']
        row += [text(run.options.get(name)) for name in differing]
        for name, paths in columns:
            value = found_at(run, *paths)
            share = paths[0][-1] in SHARES
            words = figure_text("accuracy" if share else "", value)
            values = best.get((name, json.dumps(run.options.get("dataset"))), [])
            if value is not None and len(values) > 1 and value == max(values) > min(values):
                words = f"<strong>{words}</strong>"
            row.append(words)
        rows.append(row)
    heads = ["run", *(plain(name) for name in differing), *(name for name, _ in columns)]
    return table("All runs: options that differ, and figures of the test images", heads, rows, wide=True)


def side_by_side(all_runs, prefixes):
    made = []
    for run, prefix in zip(all_runs, prefixes):
        if run.test is None or len(run.test.values) == 0:
            continue
        points, labels, _, note = in_the_plane(run.test)
        colours, _, _ = colours_of(run, labels)
        label = f"Features of the test images of {run.name}" + (f": {note}" if note else "")
        svg = pictures.for_page(pictures.small_scatter(points, colours), f"{prefix}-small", label)
        caption = f"{escape(run.name)}" + (
            f" <small>PCA of {run.test.values.shape[1]}</small>" if note else "")
        made.append(f'<figure><a href="#{prefix}">{svg}</a><figcaption>{caption}</figcaption></figure>')
    return f'<div class="grid small">{"".join(made)}</div>' if made else ""


def html_of(all_runs, folder):
    """The page. It loads nothing: the policy in its head forbids even its own script to."""
    many = len(all_runs) > 1
    prefixes = [f"run{i + 1}" for i in range(len(all_runs))]
    crowd = max(1, len(all_runs) / 4)  # so that a page of many runs stays one that opens quickly
    sizes = {"scatter": max(400, int(2000 / crowd)), "strip": max(100, int(300 / crowd)),
             "player": max(200, int(1000 / crowd))}
    title = f"{plain(folder.resolve().name)}: {len(all_runs)} runs" if many else all_runs[0].name
    body = []
    if many:
        body += [section("Comparison", "comparison", comparison(all_runs, prefixes)),
                 section("Side by side", "side-by-side", side_by_side(all_runs, prefixes))]
        body = [re.sub(r"(</?)h3\b", r"\1h2", one, count=2) for one in body]
    body += [article(run, prefix, sizes) for run, prefix in zip(all_runs, prefixes)]
    heading = f"<h1>{escape(title)}</h1>" if many else "<h1>Report of a training run</h1>"
    newline = "\n"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} – ldmat-report</title>
<style>
{(HERE / "page.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<header>{heading}</header>
<main>
{newline.join(one for one in body if one)}
</main>
<footer><p>Made by ldmat-report. The method: <a href="{METHOD}" rel="noreferrer">LDMAT, CVIU 2024</a>.</p>
</footer>
<script>
{(HERE / "page.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""
