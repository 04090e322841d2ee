"""Counts the instructions of calls of a loss under valgrind and compares them with figures.json.

    python3 benchmarks/instructions/check.py build/release/benchmarks/instructions/instructions

A count above its figure fails. Unlike a time, a count does not depend on the machine or its load,
only on the sources, the compiler and the libraries. There is one set of figures for each build that
the program names; other builds are skipped. --update makes the counts the figures of this build.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

FIGURES = pathlib.Path(__file__).with_name("figures.json")
TOLERANCE = 0.03
SKIPPED = 77  # as CMakeLists.txt tells ctest


def lines_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def count_instructions(valgrind, program, shape):
    """Of the function `measured`; nothing outside it is counted."""
    command = [valgrind, "--tool=callgrind", "--toggle-collect=measured*",
               "--callgrind-out-file=/dev/null", program, shape]
    run = subprocess.run(command, capture_output=True, text=True)
    collected = re.search(r"Collected : ([1-9]\d*)", run.stderr)
    if run.returncode != 0 or not collected:
        sys.exit(f"{run.stderr}\nno count from: {' '.join(command)}")
    return int(collected[1])


def skip(reason):
    print(reason)
    sys.exit(SKIPPED)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the built program `instructions`")
    parser.add_argument("--valgrind", default="valgrind")
    parser.add_argument("--update", action="store_true", help="make the counts the figures")
    arguments = parser.parse_args()

    [build] = lines_of(arguments.program)
    figures = json.loads(FIGURES.read_text())
    known = figures.get(build, {})
    if not known and not arguments.update:
        skip(f"no figure for this compiler: skipped (it is {build}, known are {', '.join(figures)})")
    if " avx2 " not in pathlib.Path("/proc/cpuinfo").read_text():
        skip("the program is built for AVX2, which this processor does not have: skipped")

    print(f"instructions of one call, {build}:")
    counts = {}
    above, below, new = [], [], []
    for shape in lines_of(arguments.program, "--list"):
        count = counts[shape] = count_instructions(arguments.valgrind, arguments.program, shape)
        if shape not in known:
            change = "new"
            new.append(shape)
        else:
            ratio = count / known[shape]
            change = f"{100 * (ratio - 1):+.1f} % against {known[shape]:,}"
            if ratio > 1 + TOLERANCE:
                above.append(shape)
            if ratio < 1 - TOLERANCE:
                below.append(shape)
        print(f"  {shape:<22} {count:>12,}  {change}", flush=True)

    update = f"python3 {sys.argv[0]} {arguments.program} --update"
    if arguments.update:
        figures[build] = counts
        FIGURES.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
        print(f"written to {FIGURES}")
        return
    if below:
        print(f"\nFewer instructions than recorded: {', '.join(below)}. Good; so that the gain is kept,"
              f"\nrecord it and commit the file:\n  {update}")
    if above:
        print(f"\nFAILED: more than {100 * TOLERANCE:.0f} % above the figure: {', '.join(above)}."
              "\nA change of the kernels, or of what they are compiled from, made these calls more"
              " expensive.\nWhere the instructions are spent:"
              f"\n  valgrind --tool=callgrind '--toggle-collect=measured*' --dump-instr=yes"
              f" {arguments.program} {above[0]}\n  callgrind_annotate callgrind.out.*"
              "\nIf the change is worth it, record the new figures, and say why in the commit:"
              f"\n  {update}")
    if new:
        print(f"\nFAILED: no figure for {', '.join(new)}. Record it:\n  {update}")
    if above or new:
        sys.exit(1)


if __name__ == "__main__":
    main()
