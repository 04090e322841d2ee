#!/usr/bin/env python3
"""Lines of include/ldmat that the tests ran, from what a build with --coverage left behind.

    python3 tests/coverage.py BUILD_FOLDER [--least PERCENT] [--gcov gcov-12]

A line counts as covered where any instantiation of it, in any test program, was run. Lines of
templates that nothing instantiates are no lines to gcov: this finds what the tests compile and do not
run. Tests, Eigen, xsimd and the system's headers are left out. Exits with 1 below --least.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADERS = ROOT / "include" / "ldmat"


def lines_of(gcov, data):
    """{header: {line: times}} of one object file's counters."""
    result = collections.defaultdict(collections.Counter)
    with tempfile.TemporaryDirectory() as folder:
        report = subprocess.run([gcov, "--json-format", "--stdout", str(data)], cwd=folder,
                                capture_output=True, text=True, check=True).stdout
    for document in report.splitlines():
        document = json.loads(document)
        for file in document["files"]:
            path = pathlib.Path(document["current_working_directory"], file["file"]).resolve()
            if not path.is_relative_to(HEADERS):
                continue
            lines = result[str(path.relative_to(HEADERS))]
            for line in file["lines"]:
                lines[line["line_number"]] += line["count"]
    return result


def ranges(numbers):
    """[3, 4, 5, 9] -> "3-5, 9"."""
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--least", type=float, default=95, help="percent, of all lines together")
    parser.add_argument("--gcov", default="gcov")
    arguments = parser.parse_args()
    data = [path.resolve() for path in arguments.build.rglob("*.gcda")]
    if not data:
        sys.exit(f"coverage: there are no counters (*.gcda) in {arguments.build}")

    total = collections.defaultdict(collections.Counter)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in pool.map(lambda path: lines_of(arguments.gcov, path), data):
            for header, lines in result.items():
                total[header].update(lines)  # adds, and keeps lines of count 0

    def row(name, lines):
        ran = sum(1 for count in lines if count > 0)
        print(f"{name:28} {ran:5} of {len(lines):5}  {100 * ran / max(len(lines), 1):6.2f} %")
        return ran, len(lines)

    print(f"lines covered, from {len(data)} object files")
    for header in sorted(total):
        row(header, total[header].values())
    unseen = sorted({str(path.relative_to(HEADERS)) for path in HEADERS.rglob("*.[ch]pp")} -
                    total.keys())
    ran, count = row("total", [n for lines in total.values() for n in lines.values()])
    print("no lines that do anything, or in no program: " + ", ".join(unseen))
    print("\nlines not covered")
    for header in sorted(total):
        text = (HEADERS / header).read_text().splitlines()
        missed = sorted(line for line, times in total[header].items() if times == 0)
        if missed:
            print(f"{header}: {ranges(missed)}")
            for line in missed:
                print(f"  {line:4}  {text[line - 1].strip()}")
    percent = 100 * ran / max(count, 1)
    if percent < arguments.least:
        sys.exit(f"coverage: {percent:.2f} % is less than {arguments.least} %")
    print(f"coverage: {percent:.2f} % of {count} lines, at least {arguments.least} % asked for")


if __name__ == "__main__":
    main()
