#!/usr/bin/env python3
"""Does what a section of docs/using.md says, as its readers would, and runs the program.

    python3 tests/consumers/run.py <consumer> --work <folder> [--cxx <compiler>] [--installed <build folder>]

The section is the one with the comment "consumer: <consumer>". Its files are main.cpp and those of
tests/consumers/<consumer>, if there is such a folder; every block that is no command must stand in them
to the letter. Its commands run, as they stand, in <work>/<consumer>, where ldmat is this folder, `c++`
and CMake's compiler are <compiler>, and HOME is <work>/home. The program must print what main.cpp says.
Then tests/consumers/<consumer>/check.sh runs, if there is one.

A block of commands after a comment "slow: ..." is replaced by the installation of <build folder>, unless
none is given.

Exits with 77, which ctest reports as skipped, where a program is missing; with LDMAT_NO_SKIPS=1 that is
a failure.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
PAGE = SOURCE / "docs/using.md"
MAIN = (HERE / "main.cpp").read_text(encoding="utf-8")
TOOLS = {"pkg-config": ["pkg-config"], "conan": ["conan"], "vcpkg": ["vcpkg"]}


def stop(message):
    sys.exit(f"run.py: {message}")


def skip(message):
    print(f"run.py: skipped: {message}")
    sys.exit(1 if os.environ.get("LDMAT_NO_SKIPS") else 77)


def version():
    header = (SOURCE / "include/ldmat/version.hpp").read_text(encoding="utf-8")
    return ".".join(re.findall(r"#define LDMAT_VERSION_\w+ (\d+)", header))


def section(consumer):
    """The blocks of the consumer's section: (language, text, whether marked as slow)."""
    page = PAGE.read_text(encoding="utf-8")
    parts = [part for part in re.split(r"^## ", page, flags=re.MULTILINE)
             if f"<!-- consumer: {consumer} -->" in part]
    if len(parts) != 1:
        stop(f"{PAGE.name} has {len(parts)} sections with '<!-- consumer: {consumer} -->', not 1")
    blocks = re.findall(r"^(<!-- slow:[^>]*-->\n\n)?```(\w+)\n(.*?)^```$", parts[0],
                        flags=re.MULTILINE | re.DOTALL)
    return [(language, text, bool(slow)) for slow, language, text in blocks]


def check_page(ways):
    """That the page is about the ways in that are tested, and shows main.cpp."""
    page = PAGE.read_text(encoding="utf-8")
    named = sorted(re.findall(r"<!-- consumer: ([\w-]+) -->", page))
    if named != sorted(ways):
        stop(f"{PAGE.name} is about {named}, the tests about {sorted(ways)}")
    if f"```cpp\n{MAIN}```\n" not in page:
        stop(f"{PAGE.name} does not show tests/consumers/main.cpp as it is")
    # The commands that README repeats.
    readme = (SOURCE / "README.md").read_text(encoding="utf-8").split("## Use it in your project")[1]
    blocks = re.findall(r"^```(?:sh|cmake)\n(.*?)^```$", readme.split("\n## ")[0],
                        flags=re.MULTILINE | re.DOTALL)
    lines = [line.split(" #")[0].rstrip() for block in blocks for line in block.splitlines() if line]
    for line in lines:
        if line not in page.splitlines():
            stop(f"README.md says '{line}', which {PAGE.name} does not")
    if len(lines) < 3:
        stop(f"README.md, 'Use it in your project': {len(lines)} lines of commands, fewer than expected")
    print(f"{len(named)} ways in: {' '.join(named)}; README repeats {len(lines)} lines")


def scratch(work, consumer, cxx):
    """The folder that the commands run in, and their environment."""
    folder = work / consumer
    shutil.rmtree(folder, ignore_errors=True)
    if (HERE / consumer).exists():
        shutil.copytree(HERE / consumer, folder)
    folder.mkdir(exist_ok=True, parents=True)
    shutil.copy(HERE / "main.cpp", folder)
    (folder / "ldmat").symlink_to(SOURCE, target_is_directory=True)

    tools = folder / "tools"
    tools.mkdir()
    launcher = os.environ.get("CMAKE_CXX_COMPILER_LAUNCHER", "")
    (tools / "c++").write_text(f'#!/bin/sh\nexec {launcher} "{cxx}" "$@"\n', encoding="utf-8")
    (tools / "c++").chmod(0o755)
    home = work / "home"
    home.mkdir(parents=True, exist_ok=True)

    # Nothing of the build that this test is part of, nor of the user's settings.
    kept = {name: value for name, value in os.environ.items()
            if not re.match(r"CMAKE_|LDMAT_|CONAN_|PKG_CONFIG|C(PP|XX)?FLAGS$|LDFLAGS$|CTEST_|DESTDIR$",
                            name)}
    environment = kept | {
        "HOME": str(home), "CXX": cxx, "CONAN_HOME": str(folder / "conan_home"),
        "LDMAT_CONSUMERS": str(HERE), "CCACHE_NOHASHDIR": "1",
        "PATH": f"{tools}:{SOURCE / 'build/tools/bin'}:{os.environ['PATH']}"}
    if "CCACHE_DIR" not in kept and "HOME" in os.environ:  # HOME is another one here
        environment["CCACHE_DIR"] = str(Path(os.environ["HOME"]) / ".cache/ccache")
    if launcher:
        environment["CMAKE_CXX_COMPILER_LAUNCHER"] = launcher
    if shutil.which("ninja"):
        environment["CMAKE_GENERATOR"] = "Ninja"
    if "LDMAT_CONAN_OPTIONS" in os.environ:  # for conan/check.sh
        environment["LDMAT_CONAN_OPTIONS"] = os.environ["LDMAT_CONAN_OPTIONS"]
    for tool in TOOLS.get(consumer, []):
        if not shutil.which(tool, path=environment["PATH"]):
            skip(f"there is no {tool}; `sh cmake/run.sh setup ci` installs it")
    return folder, environment


def run(script, folder, environment):
    """Runs a script and returns what it printed, which is shown too."""
    process = subprocess.Popen(["sh", "-euxc", script], cwd=folder, env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = ""
    for line in process.stdout:
        print(line, end="", flush=True)
        output += line
    if process.wait() != 0:
        stop(f"failed in {folder}")
    return output


def prepare_conan(folder, environment):
    """A profile for a machine without network: offline.profile with the versions that are here."""
    (folder / "conan_home").mkdir()
    run("conan profile detect; conan remote disable conancenter", folder, environment)
    profile = (folder / "offline.profile").read_text(encoding="utf-8")
    for name, module in (("eigen", "eigen3"), ("xsimd", "xsimd")):
        found = subprocess.run(["pkg-config", "--modversion", module], capture_output=True, text=True)
        if found.returncode != 0:
            skip(f"there is no {module} for pkg-config: the recipe cannot be tested offline")
        profile = re.sub(rf"({name}/)[\d.]+", rf"\g<1>{found.stdout.strip()}", profile)
    with open(folder / "conan_home/profiles/default", "a", encoding="utf-8") as file:
        file.write(f"\n{profile}")
        if environment.get("CMAKE_GENERATOR") == "Ninja":  # Conan wants Make else, which may not be there
            file.write("\n[conf]\ntools.cmake.cmaketoolchain:generator=Ninja\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("consumer", help="the name of a section, or 'page' to check the page only")
    parser.add_argument("--work", type=Path, default=SOURCE / "build/consumers")
    parser.add_argument("--cxx", default=os.environ.get("CXX", "c++"))
    parser.add_argument("--installed", type=Path)
    parser.add_argument("--ways", nargs="+", help="of 'page': the names of the sections there must be")
    arguments = parser.parse_args()
    if arguments.consumer == "page":
        check_page(arguments.ways)
        return

    cxx = shutil.which(arguments.cxx) or stop(f"there is no compiler {arguments.cxx}")
    folder, environment = scratch(arguments.work.resolve(), arguments.consumer, cxx)
    files = [path.read_text(encoding="utf-8") for path in (HERE / arguments.consumer).glob("*")]
    if arguments.consumer == "conan":
        prepare_conan(folder, environment)
    script = ""
    for language, text, slow in section(arguments.consumer):
        if language != "sh":
            if text not in files:
                stop(f"{PAGE.name} shows a file that is not in tests/consumers/{arguments.consumer}:\n"
                     f"{text}")
        elif slow and arguments.installed:
            prefix = re.search(r'--prefix (".*?")', text)[1]
            script += f'cmake --install "{arguments.installed.resolve()}" --prefix {prefix}\n'
        else:
            script += text
    expected = f"ldmat {version()}: loss 16"
    if expected not in run(script, folder, environment).splitlines():
        stop(f"the program did not print '{expected}'")
    if (folder / "check.sh").exists():
        run(". ./check.sh", folder, environment)


if __name__ == "__main__":
    main()
