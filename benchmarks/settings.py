"""What penalties and regularizers do to accuracy and spread: trains with ldmat-train, one run per
setting and seed, and prints a Markdown table of means over the seeds.

    python3 benchmarks/settings.py build/release/examples/train/ldmat-train out/settings \
        --dataset digits --seeds 3

Everything not named here goes to every run (--epochs, --threads, --data ...). Finished runs are not
repeated.
"""

import argparse
import json
import pathlib
import subprocess

SETTINGS = [
    ("softmax, its own classifier in brackets", ["--loss", "softmax"]),
    ("two-sided squared (plain LDMAT)", ["--two-sided", "--penalty", "squared"]),
    ("... offset 0.2", ["--two-sided", "--penalty", "squared", "--regularizer", "offset", "--strength", "0.2"]),
    ("... shrink 0.2", ["--two-sided", "--penalty", "squared", "--regularizer", "shrink", "--strength", "0.2"]),
    ("... adaptive 0.5", ["--two-sided", "--penalty", "squared", "--regularizer", "adaptive", "--strength", "0.5"]),
    ("one-sided squared", ["--penalty", "squared"]),
    ("... offset 0.2", ["--penalty", "squared", "--regularizer", "offset", "--strength", "0.2"]),
    ("... shrink 0.2", ["--penalty", "squared", "--regularizer", "shrink", "--strength", "0.2"]),
    ("... class-balanced", ["--penalty", "squared", "--weights", "balanced"]),
    ("... Frobenius", ["--penalty", "squared", "--reduction", "frobenius"]),
    ("one-sided band, 0.1 within classes", ["--penalty", "band", "--band-same", "0.1"]),
    ("one-sided Huber 0.2 (the preset)", ["--penalty", "huber", "--threshold", "0.2"]),
    ("one-sided absolute", ["--penalty", "absolute"]),
]


def figures(program, folder, options):
    """The final figures of a run, from its metrics.json."""
    metrics = folder / "metrics.json"
    if not metrics.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "log", "w") as log:
            subprocess.run([program, "--out", folder, *options], check=True, stdout=log, stderr=log)
    return json.loads(metrics.read_text())["final"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--seeds", type=int, default=3)
    arguments, rest = parser.parse_known_args()

    print("| loss | nearest centroid | 5-NN | within classes | smallest / within | mean / within |")
    print("|---|---:|---:|---:|---:|---:|")
    for at, (name, options) in enumerate(SETTINGS):
        runs = []
        for seed in range(1, arguments.seeds + 1):
            folder = arguments.out / arguments.dataset / f"{at:02}-seed{seed}"
            command = ["--dataset", arguments.dataset, "--dim", "2", "--seed", str(seed)]
            runs.append(figures(arguments.program.resolve(), folder, command + options + rest))

        def mean(key):
            return sum(run[key] for run in runs) / len(runs)

        own = [run["softmax_accuracy"] for run in runs if "softmax_accuracy" in run]
        note = f" [{100 * sum(own) / len(own):.2f}]" if own else ""
        print(
            f"| {name} | {100 * mean('nearest_centroid_accuracy'):.2f}{note}"
            f" | {100 * mean('five_nearest_neighbours_accuracy'):.2f}"
            f" | {mean('mean_distance_within_classes'):.3f}"
            f" | {mean('smallest_ratio_between_to_within'):.1f}"
            f" | {mean('ratio_between_to_within'):.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
