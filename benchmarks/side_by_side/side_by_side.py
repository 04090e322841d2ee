#!/usr/bin/env python3
"""ldmat's speed beside plain Eigen, PyTorch, SciPy and FAISS on the CPU, in one run.

    python side_by_side.py path/to/side_by_side [--quick] [--threads 1] [--shapes 1024x2 ...]

Every competitor computes the same loss of the same features, is checked to do so, and takes turns
with the others, so that a disturbance of the machine meets all of them. The figures are medians of
the turns. They are printed as Markdown and written into docs/benchmarks.md, between its two marker
comments, and docs/benchmarks.json; with --quick only printed. Needs torch, numpy and scipy; faiss is
left out where it is not installed.
"""

import argparse
import gc
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- side_by_side.py: begin -->", "<!-- side_by_side.py: end -->"

SHAPES = [(32, 2), (128, 2), (1024, 2), (4096, 2), (1024, 8), (1024, 16), (1024, 32), (1024, 64),
          (128, 128), (512, 128), (1024, 128), (4096, 128), (4096, 512)]
VARIATION_SHAPES = [(128, 2), (1024, 2), (1024, 16), (1024, 128), (4096, 128)]
QUICK_SHAPES = [(32, 2), (1024, 2), (1024, 16), (512, 128)]
LIMIT_PAIRS = 64 * 512  # of one call of pairs_in_two_dimensions.hpp
PRODUCT = 1024  # rows, columns and depth of the product that the rates are of
LARGEST_DISTANCES = 4096 * 4096 * 128  # n^2 d; beyond it SciPy takes most of the run


# ---- the two sides -----------------------------------------------------------------------------

class Program:
    """The built side_by_side.cpp: a request and its answer are one line each."""

    def __init__(self, path, threads):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=dict(os.environ, OMP_NUM_THREADS=str(threads)),
                                        text=True)
        self.about = json.loads(self.ask("about"))

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, *request):
        self.process.stdin.write(" ".join(str(word) for word in request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer or answer.startswith("error"):
            sys.exit(f"side_by_side: {request}: {answer or 'no answer'}")
        return answer

    def features(self, n, d):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "features"
            self.ask("features", n, d, "normal", file)
            return numpy.fromfile(file, dtype=numpy.float32).reshape(n, d)

    def competitor(self, what, n, d, threads, kind="normal", dtype="float"):
        words = what, n, d, kind, dtype, threads
        return Competitor(
            check=lambda: tuple(float(number) for number in self.ask("check", *words).split()),
            time=lambda budget: float(self.ask("time", *words, budget)))


class Competitor:
    """check() is (value, norm of the gradient), time(budget in ms) a median in ms."""

    def __init__(self, check, time):
        self.check, self.time = check, time


def median_ms(call, budget):
    """As in side_by_side.cpp: a fifth of the budget to warm up, then repeats until it is used up."""
    clock = time.perf_counter
    start, warm_up = clock(), 0
    while True:
        call()
        warm_up += 1
        elapsed = (clock() - start) * 1e3
        if elapsed >= budget / 5:
            break
    calls = 1 + int(0.02 / (elapsed / warm_up))
    times, start = [], clock()
    while True:
        repeat = clock()
        for _ in range(calls):
            call()
        end = clock()
        times.append((end - repeat) * 1e3 / calls)
        if (end - start) * 1e3 >= budget:
            return statistics.median(times)


# ---- the loss in PyTorch -----------------------------------------------------------------------
# Mean of (D_ij - T_ij)^2 over the pairs i < j; a whole matrix has every pair twice.

def target(x, labels):
    return (labels[:, None] != labels[None, :]).to(x.dtype)


def squared_distances(x):
    norms = x.square().sum(1)
    return (norms[:, None] + norms[None, :] - 2 * (x @ x.T)).clamp_min(0)


def cdist_loss(x, labels):
    n = len(x)
    return (torch.cdist(x, x) - target(x, labels)).square().sum() / (n * (n - 1))


def pdist_loss(x, labels, first, second):
    residual = torch.pdist(x) - (labels[first] != labels[second]).to(x.dtype)
    return residual.square().mean()


def gram_loss(x, labels):
    n = len(x)
    squared = squared_distances(x)
    zero = squared == 0  # where the square root has no gradient
    distances = squared.masked_fill(zero, 1).sqrt().masked_fill(zero, 0)
    return (distances - target(x, labels)).square().sum() / (n * (n - 1))


def formula(x, labels):
    """The same value, and the gradient by hand: diag(C 1) X - C X. No autograd."""
    n = len(x)
    distances = squared_distances(x).sqrt()
    residual = distances - target(x, labels)
    coefficient = torch.where(distances > 0, residual / distances, 0) * (4 / (n * (n - 1)))
    value = residual.square().sum() / (n * (n - 1))
    return value, coefficient.sum(1, keepdim=True) * x - coefficient @ x


def torch_competitors(x, compiled):
    """By name: the loss four ways, each eager and, where wanted, compiled; and why others failed."""
    n = len(x)
    x = torch.from_numpy(x).requires_grad_()
    labels = torch.arange(n) % 10
    pairs = torch.triu_indices(n, n, 1).unbind()  # depends on n only: made once in a training run

    def by_autograd(function, *more):
        def call():
            value = function(x, labels, *more)
            return value, torch.autograd.grad(value, x)[0]
        return competitor_of(call)

    def by_hand(function):
        def call():
            with torch.no_grad():
                return function(x, labels)
        return competitor_of(call)

    def competitor_of(call):
        def check():
            value, gradient = call()
            return value.item(), gradient.double().norm().item()
        return Competitor(check, lambda budget: median_ms(call, budget))

    ways = {"cdist": (by_autograd, cdist_loss), "pdist": (by_autograd, pdist_loss, *pairs),
            "Gram": (by_autograd, gram_loss), "formula": (by_hand, formula)}
    competitors, failures = {}, {}
    torch._dynamo.reset()  # else only the first eight shapes of a function are compiled
    for name, (way, function, *more) in ways.items():
        competitors[name] = way(function, *more)
        if not compiled:
            continue
        name += ", compiled"
        competitor = way(torch.compile(function, fullgraph=True, dynamic=False), *more)
        try:
            competitor.check()
            competitors[name] = competitor
        except Exception as error:  # the compiler's own errors are of many types
            failures[name] = (str(error).strip() or repr(error)).splitlines()[0]
    return competitors, failures


# ---- measuring ---------------------------------------------------------------------------------

def require_agreement(checks, where, tolerance=1e-4, gradient_tolerance=1e-3):
    """Stops unless all values, and all norms of gradients, are those of the first of `checks`."""
    name, (value, norm) = next(iter(checks.items()))
    for other, (other_value, other_norm) in checks.items():
        if (not math.isclose(value, other_value, rel_tol=tolerance) or
                not math.isclose(norm, other_norm, rel_tol=gradient_tolerance)):
            sys.exit(f"{where}: {name} gives value {value:.8g} and gradient norm {norm:.8g}, "
                     f"{other} {other_value:.8g} and {other_norm:.8g}")


def take_turns(competitors, repeats, budget):
    """Times in ms by name, one for each turn; another one begins each round."""
    times = {name: [] for name in competitors}
    order = list(competitors)
    gc.collect()
    gc.disable()
    for _ in range(repeats):
        for name in order:
            times[name].append(competitors[name].time(budget))
        order.append(order.pop(0))
    gc.enable()
    return times


def medians(times):
    return {name: statistics.median(turns) for name, turns in times.items()}


def progress(text):
    print(text, file=sys.stderr, flush=True)


def product(program, threads):
    return program.competitor("eigen-product", PRODUCT, PRODUCT, threads)


def measure_loss(program, shapes, args):
    rows = []
    for n, d in shapes:
        progress(f"loss {n} x {d}")
        competitors = {"ldmat": program.competitor("ldmat-gradient", n, d, args.threads),
                       "Eigen": program.competitor("eigen-gradient", n, d, args.threads)}
        theirs, failures = torch_competitors(program.features(n, d), args.compile)
        competitors |= theirs
        require_agreement({name: it.check() for name, it in competitors.items()}, f"{n} x {d}")
        competitors["Eigen's product"] = product(program, args.threads)
        if d == 2:
            competitors["limit"] = program.competitor("limit", 2, 1, 1)
        times = take_turns(competitors, args.repeats, args.budget)
        rows.append({"n": n, "d": d, "median_ms": medians(times), "turns_ms": times,
                     "failures": failures})
    return rows


def measure_variations(program, shapes, args):
    """ldmat only, on one thread unless said otherwise."""
    rows = []
    for n, d in shapes:
        progress(f"variations {n} x {d}")
        def of(what="ldmat-gradient", threads=1, **more):
            return program.competitor(what, n, d, threads, **more)
        competitors = {"float": of(), "double": of(dtype="double"), "half": of(dtype="half"),
                       "bfloat16": of(dtype="bfloat16"), "value only": of("ldmat-value"),
                       "trained": of(kind="trained")}
        if program.about["openmp"]:
            competitors["2 threads"] = of(threads=2)
        checks = {name: competitors[name].check() for name in competitors
                  if name not in ("value only", "trained")}
        for other, tolerance in {"double": 1e-4, "2 threads": 1e-4, "half": 1e-2,
                                 "bfloat16": 5e-2}.items():
            if other in checks:
                require_agreement({name: checks[name] for name in ("float", other)},
                                  f"{n} x {d}", tolerance, max(tolerance, 1e-3))
        times = take_turns(competitors, args.repeats, args.budget)
        rows.append({"n": n, "d": d, "median_ms": medians(times), "turns_ms": times})
    return rows


def distance_competitors(x, threads):
    tensor = torch.from_numpy(x)
    doubles = x.astype(numpy.float64)  # what SciPy would make of floats at each call
    calls = {"torch.cdist": lambda: torch.cdist(tensor, tensor).numpy(),
             "SciPy": lambda: scipy.spatial.distance.cdist(doubles, doubles)}
    roots = {}
    if faiss is not None:
        faiss.omp_set_num_threads(threads)
        calls["FAISS"] = lambda: faiss.pairwise_distances(x, x)
        roots["FAISS"] = lambda squared: numpy.sqrt(numpy.maximum(squared, 0))

    def competitor_of(name, call):
        distances = roots.get(name, lambda matrix: matrix)
        return Competitor(lambda: (0.0, float(numpy.linalg.norm(distances(call())))),
                          lambda budget: median_ms(call, budget))
    return {name: competitor_of(name, call) for name, call in calls.items()}


def measure_distances(program, shapes, args):
    rows = []
    for n, d in shapes:
        if n * n * d > LARGEST_DISTANCES:
            continue
        progress(f"distances {n} x {d}")
        competitors = {"ldmat": program.competitor("ldmat-distances", n, d, args.threads)}
        competitors |= distance_competitors(program.features(n, d), args.threads)
        require_agreement({name: it.check() for name, it in competitors.items()}, f"{n} x {d}")
        times = take_turns(competitors, args.repeats, args.budget)
        rows.append({"n": n, "d": d, "median_ms": medians(times), "turns_ms": times})
    return rows


def measure_products(program, args):
    """Rates of the square product, in 10^9 operations per second."""
    progress("products")
    competitors = {"Eigen": product(program, args.threads),
                   "Eigen, double": program.competitor("eigen-product", PRODUCT, PRODUCT,
                                                       args.threads, dtype="double")}
    matrix = torch.from_numpy(program.features(PRODUCT, PRODUCT))
    competitors["PyTorch"] = Competitor(None, lambda budget: median_ms(lambda: matrix @ matrix.T,
                                                                       budget))
    return {name: 2 * PRODUCT**3 / ms / 1e6
            for name, ms in medians(take_turns(competitors, args.repeats, args.budget)).items()}


# ---- what was measured on ----------------------------------------------------------------------

class Others:
    """What other programs, or other guests of a virtual machine's host, use of the processor."""

    def __init__(self):
        self.start = self.now()

    @staticmethod
    def now():
        """Seconds by the clock, of all programs, and of this one and its finished children."""
        try:
            words = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()
            user, nice, system, _, _, interrupts, soft, stolen = map(int, words[1:9])
        except (OSError, ValueError, IndexError):
            return None
        everyone = user + nice + system + interrupts + soft + stolen
        return time.monotonic(), everyone / os.sysconf("SC_CLK_TCK"), sum(os.times()[:4])

    def cores(self):
        """Mean number of cores that were busy with something else; None where it is not known."""
        now = self.now()
        if now is None or self.start is None:
            return None
        clock, everyone, ours = (b - a for a, b in zip(self.start, now))
        return max(0.0, everyone - ours) / max(clock, 1e-3)


def warn_of_others(cores, when):
    if cores is not None and cores > 0.1:
        progress(f"warning: other programs kept {cores:.1f} cores busy {when}; times are too long, "
                 f"most of all those on several threads")


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True,
                          check=False).stdout.strip()


def commit():
    sources = "include", "benchmarks/side_by_side", "cmake", "CMakeLists.txt"
    name = git("rev-parse", "--short=10", "HEAD") or "unknown"
    return name + (" with changes" if git("status", "--porcelain", "--", *sources) else "")


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def cores():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count()


def describe(program):
    return {"processor": processor(), "cores": cores(), "ldmat": commit(), **program.about,
            "torch": torch.__version__, "torch_mkl": torch.backends.mkl.is_available(),
            "torch_instructions": torch.backends.cpu.get_cpu_capability(),
            "numpy": numpy.__version__, "scipy": scipy.__version__,
            "faiss": None if faiss is None else faiss.__version__}


def warn_of_old_program(path):
    built = pathlib.Path(path).stat().st_mtime
    sources = [*(ROOT / "include").rglob("*.hpp"), pathlib.Path(__file__).with_suffix(".cpp")]
    if any(source.stat().st_mtime > built for source in sources):
        progress("warning: sources are newer than the program; build it again")


# ---- tables ------------------------------------------------------------------------------------

def three(number):
    """Three significant digits, without an exponent."""
    digits = max(0, 2 - math.floor(math.log10(number)))
    return f"{number:.{digits}f}"


def times_as_long(ratio):
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def shape_of(row):
    return f"{row['n']} x {row['d']}"


def cell(row, name, base):
    """ms, and how many times slower than `base`."""
    ms = row["median_ms"].get(name)
    if ms is None:
        return "fails" if name in row.get("failures", {}) else "-"
    return f"{three(ms)} ({times_as_long(ms / row['median_ms'][base])})"


def loss_table(rows):
    ours = "ldmat", "Eigen", "Eigen's product", "limit"
    names = list(dict.fromkeys(name for row in rows for name in [*row["median_ms"],
                                                                 *row["failures"]]
                               if name not in ours))
    head = ["n x d", "ldmat, ms", "ns per pair", "times the limit", "% of Eigen's product", "plain Eigen",
            *names, "best of PyTorch"]
    body = []
    for row in rows:
        n, d, ms = row["n"], row["d"], row["median_ms"]
        rate = 3 * n * n * d / ms["ldmat"]
        product_rate = 2 * PRODUCT**3 / ms["Eigen's product"]
        per_pair = ms["ldmat"] / (n * (n - 1) / 2)
        limit = ""
        if "limit" in ms:  # the shortest turns: most likely to have met the same quiet processor
            turns = row["turns_ms"]
            best_pair = min(turns["ldmat"]) / (n * (n - 1) / 2)
            limit = f"{best_pair / min(turns['limit']) * LIMIT_PAIRS:.2f}"
        best = min(ms[name] for name in names if name in ms)
        body.append([shape_of(row), three(ms["ldmat"]),
                     three(per_pair * 1e6), limit,
                     f"{100 * rate / product_rate:.0f}" if d >= 16 else "",
                     cell(row, "Eigen", "ldmat"), *(cell(row, name, "ldmat") for name in names),
                     times_as_long(best / ms["ldmat"])])
    failures = {name: reason for row in rows for name, reason in row["failures"].items()}
    notes = "".join(f"\n\n`torch.compile` failed on {name}: {reason}"
                    for name, reason in failures.items())
    return markdown(head, body) + notes


def variation_table(rows):
    names = [name for name in rows[0]["median_ms"] if name != "float"]
    head = ["n x d", "float, ms", *names]
    return markdown(head, [[shape_of(row), three(row["median_ms"]["float"]),
                            *(times_as_long(row["median_ms"][name] / row["median_ms"]["float"])
                              for name in names)] for row in rows])


def distance_table(rows):
    names = [name for name in rows[0]["median_ms"] if name != "ldmat"]
    return markdown(["n x d", "ldmat, ms", *names],
                    [[shape_of(row), three(row["median_ms"]["ldmat"]),
                      *(cell(row, name, "ldmat") for name in names)] for row in rows])


def report(results):
    on, settings, rates = results["machine"], results["settings"], results["products_gflops"]
    threads = settings["threads"]
    wide = "1 thread" if threads == 1 else f"{threads} threads"
    parts = [
        f"Measured on {on['processor']}, {on['cores']} cores, with {wide}: ldmat {on['ldmat']} built "
        f"by {on['compiler']} for {on['instructions']}{'' if on['openmp'] else ', without OpenMP'}, "
        f"Eigen {on['eigen']}, xsimd {on['xsimd']}; PyTorch {on['torch']} "
        f"({'with' if on['torch_mkl'] else 'without'} MKL, {on['torch_instructions']}), "
        f"SciPy {on['scipy']}, "
        f"{'no FAISS' if on['faiss'] is None else 'FAISS ' + on['faiss']}. Medians of "
        f"{settings['repeats']} turns of about {settings['budget']:g} ms. A product of "
        f"{PRODUCT} x {PRODUCT} matrices runs at {rates['Eigen']:.0f} Gflop/s in Eigen (double: "
        f"{rates['Eigen, double']:.0f}) and {rates['PyTorch']:.0f} Gflop/s in PyTorch."]
    if on["other_busy_cores"] is not None:
        parts[0] += f" Other programs kept {on['other_busy_cores']:.2f} cores busy meanwhile."
    if results["loss"]:
        parts += ["**Value and gradient, float.** Milliseconds; in brackets, and in the last "
                  "column, how many times slower than ldmat. The limit is a loop that does nothing but the "
                  "arithmetic of pairs in two dimensions (`pairs_in_two_dimensions.hpp`), compared by "
                  "shortest turns.", loss_table(results["loss"])]
    if results["variations"]:
        parts += ["**ldmat's own variations**, 1 thread: time against that of value and gradient in "
                  "float; below 1 is faster.", variation_table(results["variations"])]
    if results["distances"]:
        parts += ["**The distance matrix alone**, `ldmat::feature_distances`: milliseconds, and how "
                  "many times slower than ldmat.", distance_table(results["distances"])]
    return "\n\n".join(parts) + "\n"


def has_markers(path):
    text = path.read_text()
    return BEGIN in text and END in text


def write(path, text):
    """Puts `text` between the markers of a file, or makes the file."""
    old = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    before, after = old.split(BEGIN, 1)[0], old.split(END, 1)[1]
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


# ---- the command -------------------------------------------------------------------------------

def shape(text):
    try:
        n, d = (int(number) for number in text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not like 1024x128") from None
    if n < 2 or d < 1:
        raise argparse.ArgumentTypeError(f"{text}: needs two samples and one dimension")
    return n, d


def command_line():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the built side_by_side")
    parser.add_argument("--threads", type=int, default=1, help="of every competitor")
    parser.add_argument("--shapes", type=shape, nargs="+", metavar="NxD",
                        help="samples and dimensions, for all three tables")
    parser.add_argument("--repeats", type=int, help="turns of each competitor (7; quick: 3)")
    parser.add_argument("--budget", type=float, help="milliseconds of a turn (100; quick: 20)")
    parser.add_argument("--no-compile", dest="compile", action="store_false",
                        help="leave out torch.compile")
    parser.add_argument("--tables", nargs="+", choices=["loss", "variations", "distances"],
                        default=["loss", "variations", "distances"])
    parser.add_argument("--quick", action="store_true", help="few shapes, few repeats, no files")
    parser.add_argument("--out", type=pathlib.Path,
                        help="the Markdown file (docs/benchmarks.md); the JSON is put beside it")
    args = parser.parse_args()
    args.repeats = args.repeats or (3 if args.quick else 7)
    args.budget = args.budget or (20 if args.quick else 100)
    if args.out is None and not args.quick:
        args.out = ROOT / "docs" / "benchmarks.md"
    if args.out is not None and args.out.exists() and not has_markers(args.out):
        parser.error(f"{args.out} has no marker comments to write between")
    return args


def load_libraries(threads):
    """Imports what the competitors need, after the settings that are read at import."""
    for name in "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS":
        os.environ[name] = str(threads)
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # no helpers that run beside the timing
    global faiss, numpy, scipy, torch
    import numpy
    import scipy.spatial.distance
    import torch
    try:
        import faiss
    except ImportError:
        faiss = None
    torch.set_num_threads(threads)


def main():
    args = command_line()
    others = Others()
    time.sleep(1)
    warn_of_others(others.cores(), "before the start")
    others = Others()
    load_libraries(args.threads)
    warn_of_old_program(args.program)
    program = Program(args.program, args.threads)
    if not program.about["optimized"]:
        progress("warning: the program was built without optimization")

    shapes = args.shapes or (QUICK_SHAPES if args.quick else SHAPES)
    variations = args.shapes or (QUICK_SHAPES if args.quick else VARIATION_SHAPES)
    results = {
        "machine": describe(program),
        "settings": {"threads": args.threads, "repeats": args.repeats, "budget": args.budget},
        "products_gflops": measure_products(program, args),
        "loss": measure_loss(program, shapes, args) if "loss" in args.tables else [],
        "variations": (measure_variations(program, variations, args)
                       if "variations" in args.tables else []),
        "distances": (measure_distances(program, shapes, args)
                      if "distances" in args.tables else [])}
    program.close()
    results["machine"]["other_busy_cores"] = others.cores()
    warn_of_others(others.cores(), "on average")
    text = report(results)
    if args.out is not None:
        write(args.out, text)
        args.out.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
