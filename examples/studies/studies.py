#!/usr/bin/env python3
"""Trains, evaluates and compares: studies of LDMAT beside other losses, with means over seeds and pictures.

    python3 examples/studies/studies.py plane --data DIR --out out/studies

    plane         MNIST and Fashion-MNIST in two dimensions, all losses
    ten           MNIST with ten features, all losses
    regularizers  the regularizers and their strength, MNIST in two dimensions
    batch         32 to 2,048 images per batch, LDMAT and softmax, MNIST in two dimensions
    dimension     2 to 128 features, LDMAT and softmax, CIFAR-10
    colour        CIFAR-10 and CIFAR-100, all losses; distances by superclass; classes never trained on
    tried         settings of LDMAT on CIFAR-10, one seed
    classifiers   other classifiers on the features of plane and colour; trains nothing
    all           all of these
    status        what is finished, and how long the rest takes; trains nothing
    docs          copies tables, pictures and rounded figures into docs; --check only compares

A study leaves OUT/<study>/table.md, results.json and pictures, and its runs in OUT/runs. What is finished is
never repeated, and after Ctrl-C the same command goes on. The runs' options are all in runs.py.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import page  # noqa: E402
import pictures  # noqa: E402
import results  # noqa: E402
import runs as definitions  # noqa: E402
from runner import PROGRAMS, Estimate, RunError, Runner, Stopped, clock, program_in, read_json  # noqa: E402

SOURCE = Path(__file__).resolve().parents[2]


def say(text):
    """Prints a line; where nobody reads any more, the work goes on."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def parse(words):
    names = [*definitions.STUDIES, "all", "status", "docs"]
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("study", choices=names, metavar="study", help=", ".join(names))
    add("--out", type=Path, help="folder of all results (out/studies; with --quick out/quick)")
    add("--data", type=Path, help="folder of the data sets (or the environment variable LDMAT_DATA_DIR)")
    add("--seeds", type=positive, help=f"seeds 1 to this ({definitions.SEEDS}; 1 with --quick, and of tried)")
    add("--jobs", type=positive, default=2, help="runs at a time, one thread each (%(default)s)")
    add("--programs", type=Path,
        help="build folder of ldmat-train and ldmat-eval (build/release)")
    add("--quick", action="store_true", help="a try: the embedded digits, one epoch")
    add("--keep-features", action="store_true", help="keep the features of every run")
    add("--into", type=Path, default=SOURCE / "docs", help="docs: the folder of results.md")
    add("--check", action="store_true", help="docs: whether results.md is what its figures say")
    add("--partial", action="store_true", help="docs: also of what is unfinished or a quick try")
    arguments = parser.parse_args(words)
    if arguments.out is None:
        arguments.out = Path("out/quick" if arguments.quick else "out/studies")
    if arguments.data and not arguments.data.exists():
        parser.error(f"--data: {arguments.data} does not exist")
    return arguments


def seeds_of(study, arguments):
    return arguments.seeds or definitions.seeds(study, arguments.quick)


def programs_folder(given):
    """The build folder: the one named, or the first that has both programs, or that of PATH's."""
    if given:
        return given
    for folder in (SOURCE / "build/release", SOURCE / "build/demo"):
        if all(program_in(folder, name) for name in PROGRAMS):
            return folder
    found = shutil.which(PROGRAMS[0])
    return Path(found).parent if found else SOURCE / "build/release"


def guard_out(arguments, names):
    """A quick try must not take the place of what took hours."""
    for name in names:
        there = read_json(arguments.out / name / "results.json")
        if isinstance(there, dict) and there.get("quick") != arguments.quick:
            kind = "a quick try" if there.get("quick") else "the whole study"
            raise RunError(f"{arguments.out / name} has the results of {kind}; choose another --out")


def finish_study(study, arguments, tables):
    """Tables and pictures of what is finished. Returns what is wrong."""
    summary, problems = results.write_study(study, arguments.out, tables, seeds_of(study, arguments),
                                            arguments.quick)
    say(f"{study}: {arguments.out / study / 'table.md'}")
    plt = pictures.drawing()
    if plt is None:
        say("no pictures: this Python has no matplotlib (apt install python3-matplotlib, /usr/bin/python3)")
    else:
        paths, missing = pictures.draw(plt, arguments.out, tables, summary)
        for path in paths:
            say(f"{study}: {path}")
        problems += [each for each in missing if each.split(":")[0] not in "".join(problems)]
    return problems


def run(names, arguments):
    guard_out(arguments, names)
    problems = []
    for name in names:
        tables = definitions.tables(name, arguments.quick)
        todo = results.study_runs(arguments.out, tables, seeds_of(name, arguments))
        if name in definitions.TRAINS_NOTHING:
            missing = sum(not each.finished() for each in todo)
            if missing:
                needs = " and ".join(definitions.TRAINS_NOTHING[name])
                say(f"{name}: {missing} runs of {needs} are not finished; run those first")
        else:
            say(f"{name}: {len(todo)} runs")
            runner = Runner(programs_folder(arguments.programs), arguments.data, arguments.jobs,
                            arguments.keep_features, say)
            try:
                failed = runner.run_all(todo)
            except Stopped:
                finish_study(name, arguments, tables)
                say("Stopped. The same command goes on.")
                return 130
            problems += [f"{name}: {each} failed" for each in failed]
        problems += finish_study(name, arguments, tables)
    for problem in problems:
        say(f"! {problem}")
    return 1 if problems else 0


def status(arguments):
    """A line for each study, its own runs only once where studies share them."""
    counted = set()
    finished, todo = [], []
    lines = []
    for name in definitions.STUDIES:
        tables = definitions.tables(name, arguments.quick)
        every = results.study_runs(arguments.out, tables, seeds_of(name, arguments))
        done = [each for each in every if each.finished()]
        left = [each for each in every if not each.finished()]
        fresh = [each for each in left if each.name not in counted and name not in definitions.TRAINS_NOTHING]
        counted |= {each.name for each in left}
        finished += done
        todo += fresh
        begun = sum((each.folder / "checkpoint").exists() for each in left)
        lines.append((name, len(done), len(every), begun, fresh))
    estimate = Estimate({each.name: each for each in finished}.values())
    for name, done, count, begun, fresh in lines:
        text = f"{name:13} {done:3} of {count:3} runs finished"
        text += f", {begun} begun" if begun else ""
        if fresh:
            text += f", about {clock(estimate.seconds(fresh, arguments.jobs))} left"
        elif done < count:
            needs = definitions.TRAINS_NOTHING.get(name, ("the studies above",))
            text += f", the rest comes from {' and '.join(needs)}"
        say(text)
    say(f"in all {clock(estimate.seconds(todo, arguments.jobs))} left, {arguments.jobs} runs at a time"
        if todo else "nothing is left to do")
    return 0


def docs(arguments):
    if arguments.check:
        for remark in page.check(arguments.into):
            say(remark)
        say(f"{arguments.into / 'results.md'} is what its figures say")
        return 0
    for line in page.copy(arguments.out, arguments.into, definitions.STUDIES, arguments.partial):
        say(line)
    return 0


def main(words=None):
    arguments = parse(words)
    try:
        if arguments.study == "status":
            return status(arguments)
        if arguments.study == "docs":
            return docs(arguments)
        names = list(definitions.STUDIES) if arguments.study == "all" else [arguments.study]
        return run(names, arguments)
    except (RunError, page.PageError, OSError) as error:
        print(f"studies.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
