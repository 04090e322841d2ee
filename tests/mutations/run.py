#!/usr/bin/env python3
"""Puts each bug of mutations.toml, alone, into a copy of include/ and demands that a test notices.

    sh cmake/run.sh mutations [--list] [--jobs N] [--keep] [name...]

Every test program must first be green as the headers are. Fails where a replacement does not match
exactly once, a mutant does not compile, or a test stays green. The working tree is only read.
Needs Python >= 3.11. Environment: CXX and the directories of CPATH are the compiler's.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
BUILD = ROOT / "build" / "mutations"
COMPILER = os.environ.get("CXX", "g++")
KEYS = {"name", "bug", "header", "from", "to", "test", "threads", "runs", "compiles", "needs"}
TIMEOUT = 300


def fail(text):
    sys.exit(f"mutations: {text}")


def read_mutations():
    """The list, each one checked and with `text`, the header as the bug leaves it."""
    with open(TESTS / "mutations" / "mutations.toml", "rb") as file:
        mutations = tomllib.load(file)["mutation"]
    errors = []
    names = [mutation["name"] for mutation in mutations]
    errors += [f"{name} occurs twice" for name in set(names) if names.count(name) > 1]
    for mutation in mutations:
        unknown = mutation.keys() - KEYS
        if unknown:
            errors.append(f"{mutation['name']}: unknown keys {sorted(unknown)}")
        header = ROOT / "include" / "ldmat" / mutation["header"]
        for path in (header, TESTS / mutation["test"]):
            if not path.is_file():
                fail(f"{mutation['name']}: there is no {path.relative_to(ROOT)}")
        text = header.read_text()
        count = text.count(mutation["from"])
        if count != 1:
            errors.append(f"{mutation['name']}: its text occurs {count} times in {mutation['header']}")
        mutation["text"] = text.replace(mutation["from"], mutation["to"])
        if mutation["text"] == text:
            errors.append(f"{mutation['name']}: changes nothing")
    if errors:
        fail("the list does not fit the headers:\n  " + "\n  ".join(errors))
    return mutations


def run(command, log, threads=None):
    """Exit status, None after TIMEOUT; what it printed goes to `log`."""
    environment = dict(os.environ)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment,
                                   start_new_session=True)
        try:
            return process.wait(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None


def flags(mutation):
    openmp = ["-fopenmp"] if "threads" in mutation else []
    return ["-std=c++20", "-O1", "-w", *native(), *openmp]


def native():
    return [] if os.environ.get("LDMAT_NATIVE") == "OFF" else ["-march=native"]


def eigen():
    for folder in ("/usr/include/eigen3", "/usr/local/include/eigen3"):
        if pathlib.Path(folder).is_dir():
            return ["-isystem", folder]
    return []  # CPATH has it


def build(mutation, folder, include):
    """The test program against the headers in `include`; None where it does not compile."""
    program = folder / "program"
    # A launcher knows by contents, not by name or age, what it has compiled before.
    launcher = os.environ.get("CMAKE_CXX_COMPILER_LAUNCHER", "").split()
    objects = folder / "test.o"
    command = [*launcher, COMPILER, *flags(mutation), f"-I{include}", f"-I{TESTS}", *eigen(),
               "-c", str(TESTS / mutation["test"]), "-o", str(objects)]
    if run(command, folder / "compile.log") != 0:
        return None
    link = [COMPILER, *flags(mutation), str(objects), str(BUILD / "doctest_main.o"), "-o",
            str(program)]
    if run(link, folder / "link.log") != 0:
        fail(f"{folder.name} does not link: {folder / 'link.log'}")
    return program


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def how_it_ended(status, log):
    if status is None:
        return f"killed: runs for more than {TIMEOUT} s"
    if status < 0:
        return f"killed: {signal.Signals(-status).name}"
    if b"[doctest] Status: FAILURE!" not in log.read_bytes():
        return None  # something else went wrong
    text = log.read_text(errors="replace")
    case = re.search(r"TEST CASE:\s*(.*)", text)
    return f"killed: {case.group(1).strip()}" if case else "killed"


def program_name(mutation):
    return pathlib.Path(mutation["test"]).stem + ("_openmp" if "threads" in mutation else "")


def check_green(mutation):
    """Its test program on the headers as they are: what is wrong, or None. A red one proves nothing."""
    folder = fresh(BUILD / ("as_is_" + program_name(mutation)))
    program = build(mutation, folder, ROOT / "include")
    if program is None:
        return f"{mutation['test']} does not compile as it is, see {folder / 'compile.log'}"
    status = run([str(program)], folder / "run.log", mutation.get("threads"))
    if status != 0:
        return f"{mutation['test']} is red as it is, see {folder / 'run.log'}"
    return None


def check(mutation, keep):
    """(passed, what happened, seconds)"""
    start = time.monotonic()

    def result(passed, text):
        return passed, text, time.monotonic() - start

    folder = fresh(BUILD / mutation["name"])
    shutil.copytree(ROOT / "include", folder / "include")
    (folder / "include" / "ldmat" / mutation["header"]).write_text(mutation["text"])
    program = build(mutation, folder, folder / "include")
    if program is None:
        if not mutation.get("compiles", True):
            return result(True, "refused by the compiler")
        return result(False, f"DOES NOT COMPILE, see {folder / 'compile.log'}")
    if not mutation.get("compiles", True):
        return result(False, "COMPILES, but is listed as one that does not")
    times = mutation.get("runs", 1)
    for number in range(1, times + 1):
        log = folder / "run.log"
        status = run([str(program), "--abort-after=1", "--no-colors=true"], log,
                     mutation.get("threads"))
        if status == 0:
            continue
        text = how_it_ended(status, log)
        if text is None:
            return result(False, f"FAILED TO RUN, see {log}")
        if not keep:
            shutil.rmtree(folder)
        return result(True, text + (f" (run {number} of at most {times})" if times > 1 else ""))
    return result(False, f"SURVIVED {times} run" + "s" * (times > 1))


def macros():
    """What the compiler defines for this machine."""
    command = [COMPILER, "-x", "c++", "-std=c++20", *native(), "-dM", "-E", os.devnull]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split()[1] for line in text.splitlines()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--list", action="store_true", help="check and print the list, run nothing")
    parser.add_argument("--jobs", type=int,
                        default=int(os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", os.cpu_count())))
    parser.add_argument("--keep", action="store_true", help="keep what was built")
    arguments = parser.parse_args()

    mutations = read_mutations()
    unknown = set(arguments.names) - {mutation["name"] for mutation in mutations}
    if unknown:
        fail(f"there is no mutation {', '.join(sorted(unknown))}")
    if arguments.names:
        mutations = [mutation for mutation in mutations if mutation["name"] in arguments.names]
    width = max(len(mutation["name"]) for mutation in mutations)
    if arguments.list:
        for mutation in mutations:
            print(f"{mutation['name']:{width}}  {mutation['header']}: {mutation['bug']}")
        return

    BUILD.mkdir(parents=True, exist_ok=True)
    main_object = [COMPILER, "-std=c++20", "-O1", "-c", str(TESTS / "doctest_main.cpp"), "-o",
                   str(BUILD / "doctest_main.o")]
    if run(main_object, BUILD / "doctest_main.log") != 0:
        fail(f"doctest_main.cpp does not compile, see {BUILD / 'doctest_main.log'}")
    defined = macros()
    skipped = [m for m in mutations if m.get("needs") and m["needs"] not in defined]
    mutations = [m for m in mutations if m not in skipped]
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        programs = {program_name(m): m for m in mutations}
        red = dict(zip(programs, pool.map(check_green, programs.values())))
        for text in filter(None, red.values()):
            print(f"mutations: {text}", flush=True)
        green = sum(text is None for text in red.values())
        print(f"{green} of {len(programs)} test programs are green without a mutation"
              f" ({time.monotonic() - start:.0f} s)", flush=True)
        bad = []

        def result_of(mutation):
            if red[program_name(mutation)]:
                return False, "NOT TRIED: the test is red without it", 0
            return check(mutation, arguments.keep)

        results = pool.map(result_of, mutations)
        for mutation, (passed, text, seconds) in zip(mutations, results):
            print(f"{mutation['name']:{width}}  {seconds:4.0f} s  {mutation['test']}: {text}",
                  flush=True)
            if not passed:
                bad.append(mutation["name"])
    for mutation in skipped:
        print(f"{mutation['name']:{width}}  SKIPPED: this compiler defines no {mutation['needs']} here")
    print(f"mutations: {len(mutations) - len(bad)} of {len(mutations)} noticed, {len(skipped)} skipped,"
          f" {time.monotonic() - start:.0f} s")
    if bad:
        fail("not noticed, or not as listed: " + ", ".join(bad))


if __name__ == "__main__":
    main()
