#!/usr/bin/env python3
"""Writes ldmat_single.hpp: all of ldmat for the CPU in one file, which needs Eigen and xsimd only.

    python3 cmake/packaging/single_header.py <output>

Every header stands in it once, after those that it includes, without its #pragma once and its includes
of ldmat's own; the licence, the version and other people's includes come first. Not in it: the compiled
kernels of ldmat::dispatch (asking for them is an error), CUDA and bindings of frameworks.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
# What people include; all else comes with them.
ENTRIES = ["ldmat/ldmat.hpp", "ldmat/quality.hpp", "ldmat/retrieval.hpp", "ldmat/attainable.hpp",
           "ldmat/anchored.hpp"]
NOT_IN_ONE_FILE = "ldmat/dispatch/"

OWN = re.compile(r"#\s*include <(ldmat/[^>]+)>")
OTHER = re.compile(r"#\s*include <([^>]+)>")


def stop(message):
    sys.exit(f"single_header.py: {message}")


def read(name, done, others, text):
    """Appends header `name`, after the headers it needs, to `text`."""
    if name in done:
        return
    done.add(name)
    depth = 0  # of #if
    lines = []
    for line in (INCLUDE / name).read_text(encoding="utf-8").splitlines():
        own = OWN.match(line)
        other = OTHER.match(line)
        if re.match(r"#\s*if", line):
            depth += 1
        elif re.match(r"#\s*endif", line):
            depth -= 1
        if own and own[1].startswith(NOT_IN_ONE_FILE):
            if depth == 0:
                stop(f"{name} includes {own[1]}, which cannot be in one file, unconditionally")
            lines.append('#error "ldmat_single.hpp has no compiled kernels: '
                         'use the headers of ldmat with the CMake target ldmat::dispatch"')
        elif own:
            if depth != 0:
                stop(f"{name} includes {own[1]} within an #if: it could be missing later on")
            read(own[1], done, others, text)
        elif other and depth == 0:
            others.add(other[1])
        elif not re.match(r"#\s*pragma once", line):
            lines.append(line)
    if depth != 0:
        stop(f"{name}: an #if without an #endif")
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if body:
        text.append(f"// ---- {name}\n\n{body}\n")


def comment(text):
    return "\n".join(f"// {line}".rstrip() for line in text.strip().splitlines())


def single_header():
    done, others, text = set(), set(), []
    for name in ENTRIES:
        read(name, done, others, text)
    missing = sorted({f"ldmat/{header.name}" for header in INCLUDE.glob("ldmat/*.hpp")} - done)
    if missing:
        stop(f"no entry of ENTRIES leads to {', '.join(missing)}")
    version = ".".join(re.findall(r"#define LDMAT_VERSION_\w+ (\d+)",
                                  (INCLUDE / "ldmat/version.hpp").read_text(encoding="utf-8")))
    standard = sorted(name for name in others if "/" not in name)
    libraries = sorted(name for name in others if "/" in name)
    includes = [f"#include <{name}>" for name in libraries] + [""]
    includes += [f"#include <{name}>" for name in standard]
    head = [f"// ldmat {version} in one file, made by cmake/packaging/single_header.py.\n//",
            comment((ROOT / "LICENSE").read_text(encoding="utf-8")),
            "\n#pragma once\n", *includes, ""]
    return "\n".join(head) + "\n" + "\n".join(text)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(single_header(), encoding="utf-8")


if __name__ == "__main__":
    main()
