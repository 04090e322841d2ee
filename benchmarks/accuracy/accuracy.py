"""Errors of distances and gradients on hard data: ldmat, the plain Gram formula, PyTorch.

    python3 benchmarks/accuracy/accuracy.py build/release/benchmarks/accuracy/accuracy [--write]

Runs the program, measures torch.cdist on the same features where PyTorch can be imported, and prints
the table; --write also puts it into docs/reliability.md, between its two markers.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy

try:
    import torch
except ImportError:
    torch = None

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- accuracy.py: begin -->", "<!-- accuracy.py: end -->"
MODES = {"cdist": "use_mm_for_euclid_dist_if_necessary",
         "cdist_differences": "donot_use_mm_for_euclid_dist"}


def exact_distances(x):
    x = x.astype(numpy.longdouble)
    return numpy.stack([numpy.sqrt(((row - x) ** 2).sum(axis=1)) for row in x])


def exact_gradient(x, distances, target):
    x = x.astype(numpy.longdouble)
    pairs = len(x) * (len(x) - 1) / 2
    safe = numpy.where(distances == 0, 1, distances)
    coefficients = numpy.where(distances == 0, 0, 2 * (distances - target) / safe / pairs)
    return numpy.stack([(c[:, None] * (row - x)).sum(axis=0) for c, row in zip(coefficients, x)])


def distance_error(distances, exact):
    """Of different samples; None: not finite, or 0 and not 0 confused."""
    others = ~numpy.eye(len(exact), dtype=bool)
    distances, exact = distances.astype(numpy.longdouble)[others], exact[others]
    wrong = numpy.where(exact == 0, distances != 0, ~(distances > 0))
    if wrong.any() or not numpy.isfinite(distances).all():
        return None
    safe = numpy.where(exact == 0, 1, exact)
    return float((abs(distances - exact) / safe).max())


def gradient_error(gradient, exact):
    if not numpy.isfinite(gradient).all():
        return None
    size = abs(exact).max()
    difference = (gradient.astype(numpy.longdouble) - exact) / size
    return float(numpy.sqrt((difference ** 2).sum()) / numpy.sqrt(((exact / size) ** 2).sum()))


def add_torch(row, folder):
    kind = numpy.float32 if row["type"] == "float" else numpy.float64
    name = f"{row['type']}-{row['data']}-{row['d']}"
    x = numpy.fromfile(folder / name, dtype=kind).reshape(row["n"], row["d"])
    labels = numpy.arange(row["n"]) % 5
    target = (labels[:, None] != labels[None, :]).astype(kind)
    exact = exact_distances(x)
    exact_slopes = exact_gradient(x, exact, target)
    for name, mode in MODES.items():
        features = torch.from_numpy(x.copy()).requires_grad_()
        distances = torch.cdist(features, features, compute_mode=mode)
        row[name] = distance_error(distances.detach().numpy(), exact)
        pairs = row["n"] * (row["n"] - 1) / 2
        ((distances - torch.from_numpy(target)) ** 2).triu(1).sum().div(pairs).backward()
        row[name + "_gradient"] = gradient_error(features.grad.numpy(), exact_slopes)


def cell(row, name):
    if name not in row:
        return "-"
    distance, gradient = row[name], row[name + "_gradient"]
    words = ["wrong" if error is None else f"{error:.0e}" for error in (distance, gradient)]
    return " / ".join(words)


def table(rows):
    names = {"differences": "ldmat, differences", "products": "ldmat, products",
             "plain": "plain Gram formula", "cdist": "torch.cdist",
             "cdist_differences": "torch.cdist, differences"}
    lines = ["| data | d | " + " | ".join(names.values()) + " |", "|---|---:|" + "---:|" * len(names)]
    for row in rows:
        lines.append(f"| {row['said']} | {row['d']} | "
                     + " | ".join(cell(row, name) for name in names) + " |")
    return "\n".join(lines)


def report(rows):
    version = f"PyTorch {torch.__version__}" if torch else "no PyTorch at hand"
    parts = []
    for kind in "float", "double":
        of_kind = [row for row in rows if row["type"] == kind]
        if of_kind:
            parts += [f"**{kind}** ({version}):", table(of_kind)]
    return "\n\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the built program `accuracy`")
    parser.add_argument("--write", action="store_true", help="into docs/reliability.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run = subprocess.run([arguments.program, name], check=True, stdout=subprocess.PIPE, text=True)
        rows = [json.loads(line) for line in run.stdout.splitlines()]
        if torch:
            for row in rows:
                add_torch(row, folder)
    text = report(rows)
    print(text)
    if arguments.write:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    main()
