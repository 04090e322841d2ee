#!/usr/bin/env python3
"""Checks the vcpkg port as far as that can be done without vcpkg.

    python3 cmake/packaging/vcpkg/check.py --work <folder> [--archive <archive of the sources>]
        [--features dispatch,openmp]

- vcpkg.json has the fields that vcpkg's schema asks for, in the order that its formatter writes, the version
  of include/ldmat/version.hpp, and the features that the portfile knows.
- The portfile is run, with functions.cmake in place of vcpkg's functions, and what it installs obeys
  vcpkg's checks after a build.
- The program of tests/consumers/vcpkg is built against that, and runs.

With --archive the same is done once more with the port that recipes.py makes for it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[2]
CONSUMERS = SOURCE / "tests/consumers"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FIELDS = ["name", "version-semver", "port-version", "description", "homepage", "documentation", "license",
          "supports", "dependencies", "default-features", "features"]

problems = []


def expect(condition, message):
    if not condition:
        problems.append(message)


def version():
    header = (SOURCE / "include/ldmat/version.hpp").read_text(encoding="utf-8")
    return ".".join(re.findall(r"#define LDMAT_VERSION_\w+ (\d+)", header))


def check_dependencies(where, dependencies):
    names = []
    for dependency in dependencies:
        if isinstance(dependency, str):
            dependency = {"name": dependency}
        names.append(dependency.get("name", ""))
        expect(set(dependency) <= {"name", "host", "features", "default-features", "platform", "version>="},
               f"{where}: unknown field in {dependency}")
    expect(all(NAME.fullmatch(name) for name in names), f"{where}: a bad name in {names}")
    expect(names == sorted(names), f"{where}: not in alphabetic order: {names}")


def check_manifest(port):
    text = (port / "vcpkg.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    expect(text == json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
           "vcpkg.json is not laid out as vcpkg format-manifest does")
    expect([field for field in FIELDS if field in manifest] == list(manifest),
           f"vcpkg.json: unknown or misplaced fields: {list(manifest)}")
    for field in ("name", "version-semver", "description", "license", "dependencies"):
        expect(manifest.get(field), f"vcpkg.json: no {field}")
    expect(NAME.fullmatch(manifest["name"]) and manifest["name"] == "ldmat", "vcpkg.json: bad name")
    expect(manifest["version-semver"] == version(),
           f"vcpkg.json: version {manifest['version-semver']}, but ldmat's is {version()}")
    expect(manifest["license"] == "BSD-3-Clause", "vcpkg.json: not ldmat's licence")
    check_dependencies("vcpkg.json", manifest["dependencies"])
    features = manifest.get("features", {})
    expect(list(features) == sorted(features), "vcpkg.json: features are not in alphabetic order")
    for name, feature in features.items():
        expect(NAME.fullmatch(name) and feature.get("description"),
               f"vcpkg.json: feature {name} needs a good name and a description")
        expect(set(feature) <= {"description", "dependencies", "supports", "license"},
               f"vcpkg.json: unknown field in feature {name}")
        check_dependencies(f"vcpkg.json: {name}", feature.get("dependencies", []))
    portfile = (port / "portfile.cmake").read_text(encoding="utf-8")
    check = re.search(r"vcpkg_check_features\((.*?)\)", portfile, flags=re.DOTALL)
    known = re.findall(r"^\s+([a-z][a-z-]*)\s+[A-Z]\w+$", check[1], flags=re.MULTILINE)
    expect(sorted(known) == list(features),
           f"portfile.cmake knows the features {sorted(known)}, vcpkg.json {list(features)}")


def install(port, work, features):
    """Runs the portfile; returns the package's folder."""
    packages = work / "packages/ldmat_x64-linux"
    subprocess.run(["cmake", f"-DPORT_DIR={port}", f"-DVERSION={version()}",
                    f"-DFEATURES=core;{';'.join(features)}", f"-DCURRENT_PACKAGES_DIR={packages}",
                    f"-DCURRENT_BUILDTREES_DIR={work / 'buildtrees/ldmat'}",
                    "-P", str(HERE / "functions.cmake")], check=True)
    return packages


def check_package(packages, libraries):
    """What vcpkg checks after a build, https://learn.microsoft.com/vcpkg/reference/policies."""
    share = packages / "share/ldmat"
    expect((packages / "include/ldmat/ldmat.hpp").is_file(), "no headers in include/")
    for folder in ("debug/include", "debug/share", "lib/cmake", "debug/lib/cmake", "share/doc"):
        expect(not (packages / folder).exists(), f"there is {folder}")
    expect((packages / "lib").exists() == (packages / "debug").exists() == libraries,
           "lib/ and debug/ must be there with the library of dispatch, and only with it")
    expect((share / "copyright").read_text(encoding="utf-8")
           == (SOURCE / "LICENSE").read_text(encoding="utf-8"), "share/ldmat/copyright is not the licence")
    for name in ("ldmatConfig.cmake", "ldmatConfigVersion.cmake", "ldmatTargets.cmake"):
        expect((share / name).is_file(), f"share/ldmat/{name} is not there")
    usage = (share / "usage").read_text(encoding="utf-8")
    expect("find_package(ldmat CONFIG REQUIRED)" in usage and "ldmat::ldmat" in usage,
           "share/ldmat/usage does not say how to use ldmat")
    names = {part.name for part in packages.rglob("*.a")}
    expect(names == ({"libldmat_dispatch.a"} if libraries else set()), f"libraries: {names}")
    for path in packages.rglob("*"):
        expect(path.is_file() or any(path.iterdir()), f"{path} is empty")
        if path.suffix in (".cmake", ".pc"):
            text = path.read_text(encoding="utf-8")
            for folder in (packages, packages.parents[1], SOURCE):
                expect(str(folder) not in text, f"{path} names {folder}")
        if path.suffix == ".pc":
            expect(path.parent.relative_to(packages).as_posix()
                   in ("share/pkgconfig", "lib/pkgconfig", "debug/lib/pkgconfig"), f"{path} is misplaced")


def build_program(packages, work, libraries):
    folder = work / "program"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CONSUMERS / ("dispatch" if libraries else "vcpkg"), folder)
    shutil.copy(CONSUMERS / "main.cpp", folder)
    for build_type in ("Release", "Debug") if libraries else ("Debug",):
        build = folder / build_type
        subprocess.run(["cmake", "-S", str(folder), "-B", str(build), f"-DCMAKE_BUILD_TYPE={build_type}",
                        f"-DCMAKE_PREFIX_PATH={packages}"], check=True)
        subprocess.run(["cmake", "--build", str(build)], check=True)
        output = subprocess.run([str(build / "main")], check=True, capture_output=True, text=True).stdout
        print(output, end="")
        expect(output == f"ldmat {version()}: loss 16\n", f"the program printed: {output}")


def check(port, work, features):
    check_manifest(port)
    libraries = "dispatch" in features
    packages = install(port, work, features)
    check_package(packages, libraries)
    if not problems:
        build_program(packages, work, libraries)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--features", default="")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    features = [feature for feature in arguments.features.split(",") if feature]
    if "CMAKE_GENERATOR" not in os.environ and shutil.which("ninja"):
        os.environ["CMAKE_GENERATOR"] = "Ninja"

    check(HERE / "ports/ldmat", work / "overlay", features)
    if arguments.archive:
        subprocess.run([sys.executable, str(HERE.parent / "recipes.py"), "--archive", str(arguments.archive),
                        "--out", str(work / "recipes")], check=True)
        packages = install(work / "recipes/vcpkg", work / "released", features)
        check_package(packages, "dispatch" in features)
        overlay = work / "overlay" / packages.relative_to(work / "released")
        names = [sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
                 for folder in (packages, overlay)]
        expect(names[0] == names[1], "the port for the archive installs other files than the overlay port")
    if problems:
        sys.exit("\n".join(f"vcpkg port: {problem}" for problem in problems))
    print("vcpkg port: nothing to complain about")


if __name__ == "__main__":
    main()
