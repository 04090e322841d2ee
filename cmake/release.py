#!/usr/bin/env python3
"""The version: checks that all files that repeat it agree, or sets it in all of them.

    python3 cmake/release.py check
    python3 cmake/release.py bump major|minor|patch|<version>
    python3 cmake/release.py date

include/ldmat/version.hpp is the only place of the version for the code and for CMake. It is that of the next
release, and CHANGELOG.md has a section "[Unreleased]: <version>" on it. `bump` changes it, the copies and the
head of that section, or begins the section where there is none. `date` dates the section and prints what
remains to be done.
"""

import datetime
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "include/ldmat/version.hpp"
CHANGELOG = "CHANGELOG.md"
UNRELEASED = re.compile(r"^## \[Unreleased\](?:: .*)?\n", re.MULTILINE)
NUMBER = r"\d+\.\d+\.\d+"

# Files, and what precedes the version in them. Every such place must have it, and there must be one.
COPIES = [
    ("CITATION.cff", r"^version: "),
    ("cmake/packaging/conan/config.yml", r'^  "'),
    ("cmake/packaging/vcpkg/ports/ldmat/vcpkg.json", r'^  "version-semver": "'),
    ("docs/using.md", r"\bldmat[-/_]"),
    ("docs/using.md", r"\blibldmat-dev_"),
    ("docs/using.md", r"--version "),
    ("tests/consumers/conan/conanfile.txt", r"^ldmat/"),
    ("tests/consumers/fetchcontent/CMakeLists.txt", r"ldmat-"),
    ("cmake/packaging/recipes.py", r"ldmat-"),
]
# The same with major and minor alone.
SHORT_COPIES = [
    ("README.md", r"^Version "),
    ("README.md", r"find_package\(ldmat "),
    ("docs/using.md", r"find_package\(ldmat "),
] + [(f"tests/consumers/{name}/CMakeLists.txt", r"find_package\(ldmat ")
     for name in ("archive", "conan", "cuda_component", "dispatch", "install", "vcpkg")]


def stop(message):
    sys.exit(f"release.py: {message}")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def write(name, text):
    (ROOT / name).write_text(text, encoding="utf-8")


def current():
    parts = re.findall(r"^#define LDMAT_VERSION_(MAJOR|MINOR|PATCH) (\d+)$", read(HEADER), re.MULTILINE)
    if [name for name, _ in parts] != ["MAJOR", "MINOR", "PATCH"]:
        stop(f"{HEADER} must define LDMAT_VERSION_MAJOR, _MINOR and _PATCH, in this order")
    return ".".join(number for _, number in parts)


def places(version):
    """All copies as (file, pattern of prefix and version, the version that belongs there)."""
    short = ".".join(version.split(".")[:2])
    return ([(name, rf"({prefix})({NUMBER})", version) for name, prefix in COPIES]
            + [(name, rf"({prefix})(\d+\.\d+)(?:\.\d+)?\b", short) for name, prefix in SHORT_COPIES])


def problems():
    version = current()
    found = []
    for name, pattern, expected in places(version):
        versions = [match[1] for match in re.findall(pattern, read(name), re.MULTILINE)]
        if not versions:
            found.append(f"{name}: no version where one is expected ({pattern})")
        found += [f"{name}: {other}, but {HEADER} says {version}" for other in versions if other != expected]
    if not re.search(rf"^## .*\b{re.escape(version)}\b", read(CHANGELOG), re.MULTILINE):
        found.append(f"{CHANGELOG}: no section on {version}")
    json.loads(read("cmake/packaging/vcpkg/ports/ldmat/vcpkg.json"))
    # CMakeLists.txt reads the header and must not have a version of its own.
    if not re.search(r"^project\(ldmat VERSION \$\{ldmat_version\}", read("CMakeLists.txt"), re.MULTILINE):
        found.append("CMakeLists.txt: project() does not take the version from the header")
    return found


def next_version(version, how):
    major, minor, patch = (int(part) for part in version.split("."))
    steps = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    if how in steps:
        return ".".join(str(part) for part in steps[how])
    if not re.fullmatch(NUMBER, how):
        stop(f"'{how}' is neither major, minor, patch nor a version such as 1.2.3")
    if tuple(int(part) for part in how.split(".")) <= (major, minor, patch):
        stop(f"{how} is not later than {version}")
    return how


def bump(how):
    found = problems()
    if found:
        stop("mend this first:\n  " + "\n  ".join(found))
    version = next_version(current(), how)
    major, minor, patch = version.split(".")
    text = read(HEADER)
    for name, number in (("MAJOR", major), ("MINOR", minor), ("PATCH", patch)):
        text = re.sub(rf"(LDMAT_VERSION_{name}) \d+", rf"\g<1> {number}", text)
    write(HEADER, text)
    for name, pattern, expected in places(version):
        write(name, re.sub(pattern, rf"\g<1>{expected}", read(name), flags=re.MULTILINE))

    changes = read(CHANGELOG)
    heading = f"## [Unreleased]: {version}\n"
    changes, count = UNRELEASED.subn(heading, changes)
    if count == 0:
        changes = re.sub(r"^## ", f"{heading}\n## ", changes, count=1, flags=re.MULTILINE)
    write(CHANGELOG, changes)
    found = problems()
    if found:
        stop("after the change:\n  " + "\n  ".join(found))
    print(f"{version} everywhere")


def date_section():
    found = problems()
    if found:
        stop("mend this first:\n  " + "\n  ".join(found))
    version = current()
    changes, count = UNRELEASED.subn(f"## [{version}]: {datetime.date.today().isoformat()}\n",
                                     read(CHANGELOG))
    if count != 1:
        stop(f"{CHANGELOG} has no section '[Unreleased]: {version}'; is it released already? Then bump first")
    write(CHANGELOG, changes)
    print(f"""{CHANGELOG} has the section on {version}. What remains:
  1. Read it. Is {version} the right number for it, by Semantic Versioning? If not: bump.
  2. sh .ci/run and sh cmake/run.sh check must pass.
  3. Commit, tag v{version}; cmake --build <build folder> --target package_source makes the archive.
  4. python3 cmake/packaging/recipes.py --archive ldmat-{version}.tar.gz --url <its address> --out <folder>
     writes the recipes for Conan's and vcpkg's registries.
  5. python3 cmake/release.py bump patch begins the next section.""")


def main():
    if sys.argv[1:] == ["check"]:
        found = problems()
        if found:
            stop("the version is not the same everywhere:\n  " + "\n  ".join(found))
        print(f"{current()} everywhere")
    elif sys.argv[1:] == ["date"]:
        date_section()
    elif len(sys.argv) == 3 and sys.argv[1] == "bump":
        bump(sys.argv[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
