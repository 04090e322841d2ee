"""Draws the pictures of docs/choosing.md: what settings do to the same test digits, and what the
penalties cost.

    python3 benchmarks/pictures.py build/demo/examples/train/ldmat-train out/settings --threads 2

The runs are those of settings.py with seed 1; finished ones are not repeated. Needs gnuplot.
"""

import argparse
import csv
import pathlib
import subprocess

from settings import SETTINGS, figures

IMAGES = pathlib.Path(__file__).resolve().parent.parent / "docs" / "images"
COLOURS = "#4e79a7 #f28e2b #e15759 #76b7b2 #59a14f #d4a91c #b07aa1 #ff7fa1 #9c755f #6b6b6b".split()
POINTS_PER_CLASS = 30  # of 100, so that a picture stays small

# Picture: (title of the panel, its place in SETTINGS).
PICTURES = {
    "choosing-penalty": [
        ("two-sided squared", 1),
        ("one-sided squared", 5),
        ("one-sided Huber 0.2 (preset)", 11),
        ("one-sided absolute", 12),
    ],
    "choosing-regularizer": [
        ("no regularizer", 1),
        ("offset 0.2", 2),
        ("shrink 0.2", 3),
        ("adaptive 0.5", 4),
    ],
}


def test_features(folder):
    """Rows of (class, x, y): the first of each class among the test digits."""
    taken = [0] * 10
    rows = []
    with open(folder / "features.csv") as file:
        for row in csv.DictReader(file):
            label = int(row["label"])
            if taken[label] < POINTS_PER_CLASS:
                taken[label] += 1
                rows.append((label, float(row["f0"]), float(row["f1"])))
    return rows


def centred_range(values, half):
    middle = (min(values) + max(values)) / 2
    return f"[{middle - half:.4f}:{middle + half:.4f}]"


def scatters(panels):
    """The gnuplot program of panels side by side, all at the same scale."""
    half = max(
        (max(row[axis] for row in rows) - min(row[axis] for row in rows)) / 2
        for _, rows in panels
        for axis in (1, 2)
    ) * 1.06
    text = "set tics nomirror out scale 0.5 tc rgb '#555555' font ',10'\nset border 3 lc rgb '#555555'\n"
    step = 1 if half > 1.5 else 0.5
    text += f"set grid lc rgb '#e4e4e4' lt 1 lw 0.6\nunset key\nset size square\nset xtics {step}\nset ytics {step}\n"
    text += f"set multiplot layout 1,{len(panels)} margins 0.035,0.99,0.1,0.89 spacing 0.035,0\n"
    for title, rows in panels:
        text += f"set title '{title}' noenhanced offset 0,-0.6\n"
        text += f"set xrange {centred_range([row[1] for row in rows], half)}\n"
        text += f"set yrange {centred_range([row[2] for row in rows], half)}\n$points << EOD\n"
        text += "".join(f"{x:.3f} {y:.3f} {int(COLOURS[label][1:], 16)}\n" for label, x, y in rows)
        text += "EOD\nplot $points using 1:2:3 with points pt 7 ps 0.22 lc rgb variable\n"
    return text + "unset multiplot\n"


PENALTIES = r"""
set border 3 lc rgb '#555555'
set tics nomirror out scale 0.5 tc rgb '#555555' font ',10'
set grid lc rgb '#e4e4e4' lt 1 lw 0.6
set xlabel 'distance minus target' tc rgb '#333333' offset 0,0.5
set xrange [-1:1]
set yrange [0:1]
set xtics 0.5
set ytics 0.25
set samples 101
squared(r) = r * r
huber(r) = abs(r) <= 0.2 ? r * r : 0.2 * (2 * abs(r) - 0.2)
band(r) = abs(r) <= 0.2 ? 0 : (abs(r) - 0.2) ** 2
same(r) = r < 0 ? 0 : 1
different(r) = r > 0 ? 0 : 1
set multiplot layout 1,3 margins 0.045,0.985,0.18,0.87 spacing 0.05,0
unset key
set title 'two-sided: every pair'
plot squared(x) lw 2 lc rgb '#4e79a7', abs(x) lw 2 lc rgb '#e15759', \
  huber(x) lw 2 lc rgb '#59a14f', band(x) lw 2 lc rgb '#b07aa1'
set key top left Left reverse samplen 1.5 font ',11'
set title 'OneSided: pairs of one class'
plot same(x) * squared(x) lw 2 lc rgb '#4e79a7' title 'Squared', \
  same(x) * abs(x) lw 2 lc rgb '#e15759' title 'Absolute', \
  same(x) * huber(x) lw 2 lc rgb '#59a14f' title 'Huber, threshold 0.2', \
  same(x) * band(x) lw 2 lc rgb '#b07aa1' title 'Band, width 0.2'
unset key
set title 'OneSided: pairs of different classes'
plot different(x) * squared(x) lw 2 lc rgb '#4e79a7', different(x) * abs(x) lw 2 lc rgb '#e15759', \
  different(x) * huber(x) lw 2 lc rgb '#59a14f', different(x) * band(x) lw 2 lc rgb '#b07aa1'
unset multiplot
"""


def draw(name, height, program):
    path = IMAGES / f"{name}.svg"
    head = (
        f"set terminal svg size 1040,{height} font 'Helvetica,Arial,sans-serif,13' "
        f"background rgb 'white'\nset output '{path}'\n"
    )
    subprocess.run(["gnuplot"], input=head + program + "set output\n", text=True, check=True)
    print(path.relative_to(IMAGES.parent.parent))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments, rest = parser.parse_known_args()

    for name, panels in PICTURES.items():
        drawn = []
        for title, at in panels:
            folder = arguments.out / "digits" / f"{at:02}-seed1"
            options = ["--dataset", "digits", "--dim", "2", "--seed", "1", *SETTINGS[at][1], *rest]
            figures(arguments.program.resolve(), folder, options)
            drawn.append((title, test_features(folder)))
        draw(name, 300, scatters(drawn))
    draw("penalties", 300, PENALTIES)


if __name__ == "__main__":
    main()
