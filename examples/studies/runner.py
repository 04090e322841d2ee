"""Trains and evaluates runs, some side by side; goes on where an earlier call ended, and repeats nothing.

A run is a folder named after its options (options.py), with what ldmat-train and ldmat-eval leave there, and
    run.json      the options, how far the run is, and the seconds it took
    points.json   for two features and seed 1: some test images' features, for the pictures
    train.log, evaluate.log
"""

import contextlib
import csv
import fcntl
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import options as opts
import runs as definitions

POINTS = 2000
# How long a program may take to keep its state after Ctrl-C, in seconds.
PATIENCE = 60


class RunError(Exception):
    """A program failed; the message names its log."""


class Stopped(Exception):
    """The user wants to end."""


def read_json(path):
    """The content of a JSON file; None where there is none, or not a whole one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_whole(path, text):
    """Writes a file so that a reader never finds half of it, nor another writer's half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def clock(seconds):
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def thinned(labels, wanted):
    """The places of at most `wanted` samples, of each class the same share, in their order."""
    by_class = sorted(range(len(labels)), key=lambda at: labels[at])
    wanted = min(len(labels), wanted)
    return sorted(by_class[at * len(labels) // wanted] for at in range(wanted))


class Run:
    """One training with one seed."""

    def __init__(self, root, line):
        given = opts.parse(line)
        self.train = opts.write(given)
        self.seed = int(given.get("--seed") or 1)
        self.dataset = given.get("--dataset") or "digits"
        self.epochs = int(given.get("--epochs") or 0)
        self.evaluate = definitions.EVALUATE.get(self.dataset, "")
        self.folder = Path(root) / "runs" / opts.folder_name(line)

    @property
    def name(self):
        return self.folder.name

    def note(self):
        """What run.json says, or that nothing was done."""
        note = read_json(self.folder / "run.json")
        if not isinstance(note, dict) or opts.parse(note.get("train", "")) != opts.parse(self.train):
            note = {}
        nothing = {"trained": False, "evaluated": None, "seconds": {"train": 0, "evaluate": 0}}
        return {"train": self.train, **nothing, **note}

    def files(self):
        return {"metrics": read_json(self.folder / "metrics.json"),
                "evaluation": read_json(self.folder / "evaluation.json")}

    def finished(self):
        note = self.note()
        return note["trained"] and note["evaluated"] == self.evaluate and None not in self.files().values()

    def result(self):
        """{"metrics": ..., "evaluation": ...} of a finished run, else None."""
        return self.files() if self.finished() else None


class Estimate:
    """How long runs take, by those that were finished."""

    def __init__(self, finished):
        self.seen = {}
        for run in finished:
            self.add(run)

    def add(self, run):
        seconds = sum(run.note()["seconds"].values())
        if seconds > 0:
            self.seen.setdefault(run.dataset, []).append(seconds / self.guess(run))

    @staticmethod
    def guess(run):
        return (definitions.EPOCH_SECONDS.get(run.dataset, 10) * (run.epochs or 10)
                + definitions.OTHER_SECONDS.get(run.dataset, 15))

    def seconds(self, runs, jobs):
        """For `runs`, `jobs` at a time."""
        total = longest = 0
        for run in runs:
            seen = self.seen.get(run.dataset, [1])
            each = self.guess(run) * sum(seen) / len(seen)
            total += each
            longest = max(longest, each)
        return max(total / jobs, longest)


PROGRAMS = ("ldmat-train", "ldmat-eval")


def program_in(folder, name):
    """The path of a program in a build folder, where each is in examples; None where it is not."""
    for sub in ("", "examples/train", "examples/eval"):
        path = Path(folder, sub, name)
        if path.is_file() and os.access(path, os.X_OK):
            return path.resolve()
    return None


def find_program(name, folder):
    path = program_in(folder, name)
    if path is None:
        raise RunError(f"there is no program {name} in {folder}; `sh cmake/run.sh studies ...` builds it, or "
                       "name its folder by --programs")
    return path


class Runner:
    def __init__(self, programs, data=None, jobs=2, keep_features=False, say=print):
        self.train, self.evaluate = (find_program(name, programs) for name in PROGRAMS)
        self.data = ["--data", str(Path(data).resolve())] if data else []
        self.jobs = jobs
        self.keep_features = keep_features
        self.say = say
        self.lock = threading.Lock()
        self.children = set()
        self.stopping = False

    def run_all(self, runs):
        """Finishes `runs`. Returns the names of those that failed; raises Stopped after Ctrl-C, SIGTERM or
        SIGHUP, when every program has kept its state and ended."""
        done = [run for run in runs if run.finished()]
        todo = [run for run in runs if not run.finished()]
        for run in done:
            self._tidy(run)
        failed = []
        estimate = Estimate(done)
        waiting = iter(todo)
        left = list(todo)

        def work():
            for run in self._each(waiting):
                problem = None
                start = time.monotonic()
                try:
                    self._finish(run)
                except Stopped:
                    return
                except (RunError, OSError) as error:
                    problem = str(error)
                except Exception as error:  # the other runs go on whatever it was
                    problem = f"{type(error).__name__}: {error}"
                with self.lock:
                    left.remove(run)
                    if problem is None:
                        estimate.add(run)
                    else:
                        failed.append(run.name)
                    self._tell(run, problem, time.monotonic() - start, len(runs) - len(left), len(runs),
                               estimate.seconds(left, self.jobs))

        if todo:
            self.say(f"{len(done)} of {len(runs)} runs are finished; the others take about "
                     f"{clock(estimate.seconds(todo, self.jobs))}, {self.jobs} at a time")
        threads = [threading.Thread(target=work) for _ in range(min(self.jobs, len(todo)))]
        with self._signals():
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.1)
                    self._pass_on()
        if self.stopping:
            raise Stopped
        return failed

    def _each(self, waiting):
        while True:
            with self.lock:
                run = None if self.stopping else next(waiting, None)
            if run is None:
                return
            yield run

    def _tell(self, run, problem, seconds, at, count, left):
        where = f"[{at}/{count}] {run.name}"
        if problem:
            self.say(f"{where}: FAILED: {problem}")
            return
        accuracy = ((run.files()["evaluation"] or {}).get("classifiers", {}).get("nearest_centroid", {})
                    .get("accuracy"))
        figure = f"{100 * accuracy:.2f} % by nearest centroid, " if accuracy is not None else ""
        rest = f"about {clock(left)} left" if at < count else "all done"
        self.say(f"{where}: {figure}{clock(seconds)}; {rest}")

    def _finish(self, run):
        """Does what is missing of a run."""
        run.folder.mkdir(parents=True, exist_ok=True)
        with self._owned(run.folder) as lock:
            if run.finished():  # by another call, in the meantime
                return
            note = run.note()
            features = run.folder / "features"
            there = all((features / f"{part}_features.npy").exists() for part in ("train", "test"))
            if not (note["trained"] and there and (run.folder / "metrics.json").exists()):
                note["trained"] = False
                # A run that has ended ends at once, and writes its features again.
                more = ["--resume"] if (run.folder / "checkpoint").exists() else []
                command = [self.train, *opts.shlex.split(run.train), "--threads", "1", *self.data,
                           "--out", run.folder, *more]
                self._call(run, note, "train", command, lock)
                if read_json(run.folder / "metrics.json") is None:
                    raise RunError(f"ldmat-train left no metrics.json in {run.folder}")
                note["trained"] = True
                self._write(run, note)
            self._call(run, note, "evaluate",
                       [self.evaluate, *opts.shlex.split(run.evaluate), run.folder], lock)
            if read_json(run.folder / "evaluation.json") is None:
                raise RunError(f"ldmat-eval left no evaluation.json in {run.folder}")
            keep_points(run)
            note["evaluated"] = run.evaluate
            self._write(run, note)
        self._tidy(run)

    def _call(self, run, note, step, command, lock):
        """Runs a program. Its time goes into run.json, however it ends. It holds the lock, too: should this
        program be killed, no other call touches the folder before it has ended."""
        log = run.folder / f"{step}.log"
        start = time.monotonic()
        with open(log, "ab") as output:
            with self.lock:
                if self.stopping:
                    raise Stopped
                # Of a session of its own: a Ctrl-C reaches it once, through _pass_on().
                child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                         stdout=output, stderr=output, start_new_session=True,
                                         pass_fds=[lock.fileno()],
                                         env={**os.environ, "OMP_NUM_THREADS": "1"})
                self.children.add(child)
            status = child.wait()
            with self.lock:
                self.children.discard(child)
        note["seconds"][step] = round(note["seconds"].get(step, 0) + time.monotonic() - start, 2)
        self._write(run, note)
        if status != 0:
            if self.stopping:
                raise Stopped
            ended = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
            name = Path(command[0]).name
            raise RunError(f"{name} {ended}: {complaint(log, name)} (all of it: {log})")

    @staticmethod
    def _write(run, note):
        write_whole(run.folder / "run.json", json.dumps(note, indent=2) + "\n")

    @contextlib.contextmanager
    def _owned(self, folder):
        """Waits while another call works on the same run."""
        with open(folder / "lock", "w") as file:
            while True:
                if self.stopping:
                    raise Stopped
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.2)
            yield file

    def _tidy(self, run):
        """Removes what is big and was only made to be evaluated."""
        if self.keep_features:
            return
        for path in [*(run.folder / "features").glob("*.npy"), run.folder / "features.csv"]:
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _signals(self):
        """Within it, a signal that would end this program is kept in self.received instead."""
        self.received = []
        self.passed_on = 0
        self.stopped_at = None
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        # What the caller ignores, as nohup does, stays ignored.
        numbers = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
                   if signal.getsignal(number) is not signal.SIG_IGN]
        before = [signal.signal(number, lambda number, _: self.received.append(number)) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before):
                signal.signal(number, handler)

    def _pass_on(self):
        """Asks the programs to keep their state and end; a second time, or too late, ends them."""
        late = self.stopped_at is not None and time.monotonic() - self.stopped_at > PATIENCE
        if self.passed_on == len(self.received) and not late:
            return
        first = not self.stopping
        self.passed_on = len(self.received)
        self.stopped_at = time.monotonic()
        with self.lock:
            self.stopping = True
            for child in self.children:
                child.send_signal(signal.SIGINT if first else signal.SIGKILL)
        if first:
            self.say("Stopping: what is being trained keeps its state")


def complaint(log, program):
    """The line of a log that says what went wrong, as far as can be told: the program's own message."""
    lines = re.split(r"[\r\n]+", log.read_text(encoding="utf-8", errors="replace").strip())
    lines = [line for line in lines if not line.startswith("Run with --help")] or [""]
    own = [line for line in lines if line.startswith(f"{program}: ")]
    return (own or lines)[-1] or "it printed nothing"


def keep_points(run):
    """Keeps points.json of a run with two features and seed 1."""
    source = run.folder / "features.csv"
    if run.seed != 1 or not source.exists():
        return
    with open(source, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if {"f0", "f1", "label"} - set(rows.fieldnames or ()) or "f2" in rows.fieldnames:
            return
        points = [(int(row["label"]), float(row["f0"]), float(row["f1"])) for row in rows]
    kept = [points[at] for at in thinned([label for label, _, _ in points], POINTS)]
    text = {"labels": [label for label, _, _ in kept],
            "features": [[float(f"{x:.5g}"), float(f"{y:.5g}")] for _, x, y in kept]}
    write_whole(run.folder / "points.json", json.dumps(text) + "\n")
