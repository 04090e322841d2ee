#!/usr/bin/env python3
"""Tests examples/studies with stand-ins for ldmat-train and ldmat-eval that take no time.

    python3 tests/train/test_studies.py                        # the stand-ins only
    python3 tests/train/test_studies.py --programs build/demo  # a quick study with the real programs, too
"""

import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

SOURCE = Path(__file__).resolve().parents[2]
STUDIES = SOURCE / "examples/studies/studies.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(STUDIES.parent))
import cifar_part  # noqa: E402
import figures  # noqa: E402
import options  # noqa: E402
import page  # noqa: E402
import results  # noqa: E402
import runner  # noqa: E402
import runs as definitions  # noqa: E402
import studies  # noqa: E402

HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None
PROGRAMS = None  # of --programs

# Both append what they were called with to the file CALLS. What they write follows from the options.
TRAIN = """#!{python} -IS
import hashlib, json, os, pathlib, signal, sys, time
stop = []
signal.signal(signal.SIGINT, lambda *_: stop.append(1))
words = sys.argv[1:]
with open(os.environ["CALLS"], "a") as calls:
    calls.write("train " + " ".join(words) + "\\n")
value = lambda name, default=None: words[words.index(name) + 1] if name in words else default
out = pathlib.Path(value("--out"))
assert os.environ["OMP_NUM_THREADS"] == "1" and value("--threads") == "1" and out.is_dir()
if os.environ.get("FAIL") and os.environ["FAIL"] in " ".join(words):
    print("epoch 1\\nldmat-train: the loss is not finite\\nmore", file=sys.stderr)
    sys.exit(1)
steps = 0
if "--resume" in words:
    steps = int((out / "checkpoint").read_text())
until = int(os.environ.get("STEPS", "0"))
while steps < until:
    time.sleep(0.05)
    steps += 1
    if stop:
        (out / "checkpoint").write_text(str(steps))
        sys.exit(130)
(out / "checkpoint").write_text(str(steps))
share = int(hashlib.sha256((value("--loss", "ldmat") + value("--seed")).encode()).hexdigest()[:4], 16) / 65536
final = {{"softmax_accuracy": 0.9 + share / 20}} if value("--loss") == "softmax" else {{}}
(out / "features").mkdir(exist_ok=True)
for part in ("train", "test"):
    (out / "features" / (part + "_features.npy")).write_text("x" * 100)
if value("--dim") == "2":
    rows = [f"{{i % 10}},{{i % 10 + share * (i % 7) / 7}},{{i % 3 + i % 11 / 20}}" for i in range(2500)]
    (out / "features.csv").write_text("\\n".join(["label,f0,f1", *rows, ""]))
else:
    (out / "features.csv").write_text("label,f0,f1,f2\\n0,1,2,3\\n")
(out / "metrics.json").write_text(json.dumps(dict(
    version="0.1.0", data=dict(training_images=int(os.environ.get("IMAGES", 5000)), test_images=1000,
                               classes=[f"class {{at}}" for at in range(10)]),
    seconds=1, final=final, share=share)))
"""
EVAL = """#!{python} -IS
import json, os, pathlib, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write("eval " + " ".join(sys.argv[1:]) + "\\n")
out = pathlib.Path(sys.argv[-1])
assert (out / "features" / "train_features.npy").exists()
share = json.loads((out / "metrics.json").read_text())["share"]
names = ["nearest_centroid", "1-nn", "5-nn", "30-nn", "linear_svm", "rbf_svm", "gaussian"]
(out / "evaluation.json").write_text(json.dumps(dict(
    program="ldmat-eval", version="0.1.0",
    classifiers={{name: dict(accuracy=0.8 + at / 100 + share / 20, outside_superclass=0.1 + share / 20)
                 for at, name in enumerate(names)}},
    geometry=dict(mean_same_distance=0.2 + share, mean_centre_distance=1.5 + share,
                  min_centre_distance=1, mean_ratio=4 + share, min_ratio=2 + share,
                  silhouette=None, d_prime=3),
    retrieval=dict(precision_at_1=0.9, r_precision=0.8, map_at_r=0.7 + share / 10),
    unseen=dict(classes=2, images=200, precision_at_1=0.6, map_at_r=0.3, nearest_centroid=0.5),
    seconds={{}})))
"""


class Case(unittest.TestCase):
    draws = False  # drawing takes most of the time

    def setUp(self):
        if not self.draws:
            instead = mock.patch("pictures.drawing", return_value=None)
            instead.start()
            self.addCleanup(instead.stop)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.out = self.root / "out"
        self.programs = self.root / "programs"
        self.programs.mkdir()
        for name, text in (("ldmat-train", TRAIN), ("ldmat-eval", EVAL)):
            (self.programs / name).write_text(text.format(python=sys.executable))
            (self.programs / name).chmod(0o755)
        changed = mock.patch.dict(os.environ, {"CALLS": str(self.root / "calls")})
        changed.start()
        self.addCleanup(changed.stop)

    def command(self, study, *words):
        return [study, "--out", str(self.out), "--programs", str(self.programs), *words]

    def call(self, study, *words):
        """The status and all that is printed."""
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            status = studies.main(self.command(study, *words))
        return status, text.getvalue()

    def calls(self, program):
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.split()[0] == program]

    def results(self, study):
        return json.loads((self.out / study / "results.json").read_text())


class OptionsTest(unittest.TestCase):
    def test_a_line_is_read_and_written(self):
        parsed = options.parse("--loss softmax --two-sided --lr=0.1 --per-class -1")
        self.assertEqual(parsed, {"--loss": "softmax", "--two-sided": None, "--lr": "0.1",
                                  "--per-class": "-1"})
        self.assertEqual(options.parse(options.write(parsed)), parsed)

    def test_the_last_of_two_counts(self):
        self.assertEqual(options.join("--epochs 5 --dim 2", "", "--epochs 8"), "--dim 2 --epochs 8")

    def test_a_word_that_belongs_to_no_option_is_refused(self):
        for line in ("softmax", "--loss softmax center"):
            with self.assertRaisesRegex(ValueError, "neither an option nor the value"):
                options.parse(line)

    def test_the_folder_follows_from_options_but_not_from_their_order(self):
        base = "--dataset mnist --dim 2 --seed 3"
        name = options.folder_name(base)
        self.assertRegex(name, r"^mnist-ldmat-2d-seed3-[0-9a-f]{10}$")
        self.assertEqual(options.folder_name("--seed 3 --dim 2 --dataset mnist"), name)
        for other in ("--epochs 3", "--two-sided", "--seed 4", "--dim 20", "--dataset digits"):
            self.assertNotEqual(options.folder_name(options.join(base, other)), name, other)


class FiguresTest(unittest.TestCase):
    def test_mean_and_sample_deviation(self):
        made = figures.summary([1.0, 2.0, 4.0], 4)
        self.assertEqual(made, {"mean": 2.3333, "spread": 1.5275, "runs": 3})
        self.assertEqual(made["spread"], round(statistics.stdev([1, 2, 4]), 4))

    def test_one_value_has_no_spread_and_none_no_figure(self):
        self.assertEqual(figures.summary([None, 3.0], 1), {"mean": 3.0, "spread": None, "runs": 1})
        self.assertIsNone(figures.summary([None, None], 1))

    def test_what_a_run_does_not_have_is_none(self):
        column = figures.COLUMNS["5-nn"]
        for classifiers in ({}, {"5-nn": None}, {"5-nn": {}}, {"5-nn": {"accuracy": None}},
                            {"5-nn": {"accuracy": True}}, {"5-nn": {"accuracy": float("nan")}}):
            run = {"evaluation": {"classifiers": classifiers}}
            self.assertIsNone(figures.value(run, column), classifiers)
        run = {"evaluation": {"classifiers": {"5-nn": {"accuracy": 0.25}}}}
        self.assertEqual(figures.value(run, column), 25)

    def test_the_best_classifier_is_that_of_the_best_mean(self):
        def run(centroid, nearest, svm=None):
            named = {"nearest_centroid": centroid, "1-nn": nearest, "rbf_svm": svm}
            there = {name: {"accuracy": value} for name, value in named.items() if value is not None}
            return {"evaluation": {"classifiers": there}}

        best = figures.row_figures([run(0.9, 0.5), run(0.7, 0.9)], ["best"])["best"]
        self.assertEqual((best["which"], best["mean"], best["runs"]), ("nearest_centroid", 80, 2))
        best = figures.row_figures([run(0.9, 0.5, 0.99), run(0.7, 0.9)], ["best"])["best"]
        self.assertEqual(best["which"], "nearest_centroid", "one run of an SVM is not compared with two")
        self.assertIsNone(figures.row_figures([], ["best"])["best"])

    def test_cells(self):
        figure = {"mean": 98.5, "spread": 0.25, "runs": 3}
        self.assertEqual(figures.cell(figure, 2, 3), "98.50 ± 0.25")
        self.assertEqual(figures.cell(figure, 2, 4), "98.50 ± 0.25 [3 of 4 runs]")
        self.assertEqual(figures.cell({**figure, "spread": None, "runs": 1}, 1, 1), "98.5")
        self.assertEqual(figures.cell({**figure, "which": "5-nn"}, 2, 3), "98.50 ± 0.25 (5-NN)")
        self.assertEqual(figures.cell(None, 2, 3), "–")

    def test_every_column_of_every_table_exists(self):
        for study in definitions.STUDIES:
            for quick in (False, True):
                for table in definitions.tables(study, quick):
                    self.assertLessEqual(set(table.columns), set(figures.COLUMNS), table.name)
                    self.assertIn(table.picture, ("", "points", "points, one scale", "lines", "bars"))
                    self.assertTrue(table.name == study or table.name.startswith(f"{study}-"), table.name)
                    self.assertEqual(len({row.name for row in table.rows}), len(table.rows), table.name)
                    for row in table.rows:
                        parsed = options.parse(row.train)
                        self.assertEqual(parsed["--dataset"] == "digits", quick)

    def test_losses_of_a_table_have_the_same_budget(self):
        others = set()  # that have another learning rate than the baselines
        for study in ("plane", "ten", "colour"):
            for table in definitions.tables(study):
                rows = {row.name: options.parse(row.train) for row in table.rows}
                for option in ("--dataset", "--epochs", "--batch", "--shift", "--dim", "--hold-out"):
                    self.assertEqual(len({row.get(option) for row in rows.values()}), 1,
                                     f"{option} of {table.name}")
                for name, row in rows.items():
                    self.assertEqual("--normalize" in row, "batch-normalised" in name, name)
                rate = rows["softmax"]["--lr"]
                others |= {name for name, row in rows.items() if row["--lr"] != rate}
        self.assertEqual({name for name in others if not name.startswith("LDMAT, anchors")},
                         {"softmax, batch-normalised, learning rate 0.005"})
        for study in ("batch", "dimension"):
            for table in definitions.tables(study):
                self.assertEqual(len({options.parse(row.train)["--epochs"] for row in table.rows}), 1)

    def test_losses_that_compare_images_have_several_of_a_class_in_a_batch(self):
        seen = 0
        for table in definitions.tables("colour"):
            for row in table.rows:
                parsed = options.parse(row.train)
                if parsed["--dataset"] == "cifar100" and parsed["--loss"] in definitions.COMPARE_IMAGES:
                    each = int(parsed["--per-class"])
                    self.assertGreater(each, 1, row.name)
                    self.assertEqual(int(parsed["--batch"]) % each, 0, row.name)
                    seen += 1
        self.assertEqual(seen, 3)


class ThinnedTest(unittest.TestCase):
    def test_each_class_keeps_its_share(self):
        labels = [at % 2 for at in range(6)] + [2] * 6
        kept = runner.thinned(labels, 4)
        self.assertEqual([labels[at] for at in kept], [0, 1, 2, 2])
        self.assertEqual(kept, sorted(set(kept)))
        self.assertEqual(runner.thinned([5, 4, 3], 5), [0, 1, 2])
        self.assertEqual(runner.thinned([], 5), [])
        self.assertEqual(len(set(runner.thinned([0] * 2500, 2000))), 2000)


class StudyTest(Case):
    def test_a_study_leaves_tables_figures_and_commands(self):
        status, text = self.call("plane", "--quick", "--seeds", "3")
        self.assertEqual(status, 0, text)
        # MNIST's and Fashion-MNIST's are the same runs on digits.
        self.assertEqual(len(self.calls("train")), 18)
        self.assertEqual(len(self.calls("eval")), 18)
        self.assertIn("[18/18]", text)
        self.assertRegex(text, r"\[9/18\] digits-\w+-2d-seed\d-\w+: "
                               r"[\d.]+ % by nearest centroid, \d+ s; about \d+ s left")

        made = self.results("plane")
        head = {name: made[name] for name in ("study", "seeds", "quick", "finished")}
        self.assertEqual(head, {"study": "plane", "seeds": 3, "quick": True, "finished": True})
        self.assertEqual(len(made["runs"]), 18)
        softmax = [run for run in made["runs"] if "--loss softmax" in run["train"]]
        self.assertEqual([run["seed"] for run in softmax], [1, 2, 3])
        accuracies = [100 * run["metrics"]["final"]["softmax_accuracy"] for run in softmax]
        row = made["tables"][0]["rows"][1]
        self.assertEqual(row["name"], "softmax")
        self.assertEqual(row["figures"]["own"], {"mean": round(statistics.fmean(accuracies), 2),
                                                 "spread": round(statistics.stdev(accuracies), 2), "runs": 3})
        self.assertEqual(row["figures"]["best"]["which"], "gaussian")
        self.assertIsNone(made["tables"][0]["rows"][0]["figures"]["own"])
        self.assertNotIn(str(self.root), json.dumps(made), "no path of this machine")

        table = (self.out / "plane/table.md").read_text()
        self.assertIn("| softmax | ", table)
        self.assertIn("\n- softmax: `--loss softmax`\n", table)
        self.assertIn(f"{row['figures']['own']['mean']:.2f} ± {row['figures']['own']['spread']:.2f}", table)
        self.assertIn("5,000 training and 1,000 test images", table)
        self.assertEqual(len([line for line in table.splitlines() if line.startswith("| ")]), 2 * 7)

    def test_finished_runs_are_not_repeated(self):
        self.call("plane", "--quick", "--seeds", "2")
        first = (self.out / "plane/results.json").read_bytes()
        before = self.calls("train") + self.calls("eval")
        status, text = self.call("plane", "--quick", "--seeds", "2")
        self.assertEqual(status, 0, text)
        self.assertEqual(self.calls("train") + self.calls("eval"), before)
        self.assertEqual((self.out / "plane/results.json").read_bytes(), first)
        self.call("plane", "--quick", "--seeds", "3")
        self.assertEqual(len(self.calls("train")), 18, "one seed more is six runs more")

    def test_other_options_are_other_runs(self):
        self.call("plane", "--quick")
        with mock.patch.object(definitions, "LDMAT_PLANE", "--penalty absolute"):
            status, text = self.call("plane", "--quick")
        self.assertEqual(status, 0, text)
        self.assertEqual(len(self.calls("train")), 7)
        self.assertIn("--penalty absolute", self.calls("train")[-1])
        self.assertIn("--penalty absolute", self.results("plane")["tables"][0]["rows"][0]["options"])

    def test_other_options_of_the_evaluation_train_nothing_anew(self):
        self.call("plane", "--quick", "--keep-features")
        with mock.patch.object(definitions, "EVALUATE", {"digits": "--svm-samples 10"}):
            self.call("plane", "--quick")  # features are there
            self.assertEqual((len(self.calls("train")), len(self.calls("eval"))), (6, 12))
            self.assertIn("--svm-samples 10 ", self.calls("eval")[-1])
        self.call("plane", "--quick")  # they are gone: the checkpoint makes them again
        self.assertEqual((len(self.calls("train")), len(self.calls("eval"))), (12, 18))
        self.assertTrue(all("--resume" in call for call in self.calls("train")[6:]))

    def test_big_files_are_removed_and_points_kept(self):
        self.call("plane", "--quick", "--seeds", "2")
        folders = sorted((self.out / "runs").iterdir())
        self.assertEqual(len(folders), 12)
        for folder in folders:
            self.assertEqual(list(folder.glob("features/*.npy")) + list(folder.glob("features.csv")), [])
            self.assertEqual((folder / "points.json").exists(), "seed1" in folder.name)
        points = json.loads(next((self.out / "runs").glob("*seed1*/points.json")).read_text())
        self.assertEqual((len(points["labels"]), len(points["features"])), (2000, 2000))

    def test_features_can_be_kept(self):
        self.call("plane", "--quick", "--keep-features")
        for folder in (self.out / "runs").iterdir():
            self.assertTrue((folder / "features/test_features.npy").exists())

    def test_more_than_two_features_leave_no_points(self):
        self.call("colour", "--quick")
        self.assertEqual(list(self.out.glob("runs/*/points.json")), [])

    def test_a_run_that_fails_is_named_and_the_others_go_on(self):
        with mock.patch.dict(os.environ, {"FAIL": "--loss triplet"}):
            status, text = self.call("plane", "--quick")
        self.assertEqual(status, 1)
        self.assertRegex(text, r"digits-triplet-\S+: FAILED: ldmat-train ended with status 1: "
                               r"ldmat-train: the loss is not finite \(all of it: \S+train\.log\)")
        log = re.search(r"all of it: (\S+)\)", text)[1]
        self.assertIn("epoch 1", Path(log).read_text())
        self.assertRegex(text, r"! plane: digits-triplet-\S+ failed")
        made = self.results("plane")
        self.assertFalse(made["finished"])
        self.assertEqual(sum(run["evaluation"] is not None for run in made["runs"]), 5)
        self.assertIn("| triplet | – |", (self.out / "plane/table.md").read_text())
        status, text = self.call("plane", "--quick")
        self.assertEqual((status, len(self.calls("train"))), (0, 7), text)

    def test_a_failed_evaluation_is_tried_again_without_training(self):
        program = self.programs / "ldmat-eval"
        good = program.read_text()
        program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('ldmat-eval: no labels')\n")
        status, text = self.call("plane", "--quick")
        self.assertEqual(status, 1)
        self.assertIn("ldmat-eval: no labels", text)
        program.write_text(f"#!{sys.executable}\n")
        status, text = self.call("plane", "--quick")
        self.assertEqual(status, 1)
        self.assertIn("left no evaluation.json", text)
        program.write_text(good)
        self.assertEqual(self.call("plane", "--quick")[0], 0)
        self.assertEqual(len(self.calls("train")), 6)

    def test_a_run_whose_files_are_damaged_is_not_finished(self):
        self.call("plane", "--quick")
        folder = next((self.out / "runs").glob("*softmax*"))
        (folder / "evaluation.json").write_text("{")
        self.call("plane", "--quick")
        self.assertEqual((len(self.calls("train")), len(self.calls("eval"))), (7, 7))
        (folder / "run.json").write_text("[]")
        self.call("plane", "--quick")
        self.assertEqual(len(self.calls("train")), 8)

    def test_runs_from_different_data_do_not_share_a_table(self):
        self.call("plane", "--quick")
        with mock.patch.dict(os.environ, {"IMAGES": "777"}):
            status, text = self.call("plane", "--quick", "--seeds", "2")
        self.assertEqual(status, 1)
        self.assertIn("different data (5000 / 1000 and 777 / 1000 images)", text)

    def test_a_quick_try_does_not_replace_a_study(self):
        self.assertEqual(self.call("plane", "--seeds", "1")[0], 0)
        status, text = self.call("plane", "--quick")
        self.assertEqual(status, 1)
        self.assertIn("has the results of the whole study; choose another --out", text)
        self.assertFalse(self.results("plane")["quick"])

    def test_all_studies(self):
        status, text = self.call("all", "--quick")
        self.assertEqual(status, 0, text)
        self.assertEqual(len(self.calls("train")), len(set(self.calls("train"))), "no run twice")
        for study in definitions.STUDIES:
            self.assertTrue(self.results(study)["finished"], study)
            for table in self.results(study)["tables"]:
                for row in table["rows"]:
                    there = {name for name, figure in row["figures"].items() if figure}
                    self.assertLessEqual(set(row["figures"]) - {"own"}, there, (table["name"], row["name"]))
        self.assertTrue(any("--hold-out 2 " in call for call in self.calls("train")))
        count = len(self.calls("train"))
        status, text = self.call("status", "--quick")
        self.assertIn("nothing is left to do", text)
        self.assertEqual(len(self.calls("train")), count)

    def test_classifiers_train_nothing(self):
        status, text = self.call("classifiers", "--quick")
        self.assertEqual(status, 1)
        self.assertIn("runs of plane and colour are not finished; run those first", text)
        self.assertEqual(self.calls("train"), [])

    def test_status_estimates(self):
        text = self.call("status")[1]
        self.assertRegex(text, r"plane +0 of +36 runs finished, about \d+ min left")
        self.assertRegex(text, r"classifiers +0 of +84 runs finished, the rest comes from plane and colour")
        self.assertRegex(text, r"in all \d+ h \d\d min left, 2 runs at a time")
        self.assertFalse(self.out.exists())
        self.call("plane", "--seeds", "3")
        text = self.call("status")[1]
        self.assertRegex(text, r"plane +36 of +36 runs finished\n")

    def test_a_log_of_trials_has_one_seed_unless_asked_for_more(self):
        rows = {name: sum(len(table.rows) for table in definitions.tables(name)) for name in ("tried", "ten")}
        text = self.call("status")[1]
        self.assertRegex(text, rf"(?m)^tried +0 of +{rows['tried']} runs")
        self.assertRegex(text, rf"(?m)^ten +0 of +{definitions.SEEDS * rows['ten']} runs")
        self.assertRegex(self.call("status", "--seeds", "2")[1], rf"(?m)^tried +0 of +{2 * rows['tried']} runs")

    def test_status_counts_shared_runs_once(self):
        counts = []
        with mock.patch.object(runner.Estimate, "seconds",
                               side_effect=lambda runs, jobs: counts.append(len(runs)) or 0):
            self.call("status", "--quick")
        distinct = {run.name for study in definitions.STUDIES
                    for run in results.study_runs(self.out, definitions.tables(study, True), 1)}
        self.assertEqual(counts[-1], len(distinct))
        self.assertEqual(counts[-1], sum(counts[:-1]))

    def test_estimates_follow_what_was_measured(self):
        lines = [f"--dataset mnist --epochs 5 --seed {seed}" for seed in range(1, 5)]
        every = [runner.Run(self.out, line) for line in lines]
        guess = runner.Estimate([]).seconds(every, 2)
        self.assertEqual(guess, 2 * runner.Estimate.guess(every[0]))
        seconds = {"train": 3 * guess / 2, "evaluate": 0}
        runner.write_whole(every[0].folder / "run.json", json.dumps({"train": lines[0], "seconds": seconds}))
        self.assertAlmostEqual(runner.Estimate(every[:1]).seconds(every, 2), 3 * guess)
        self.assertAlmostEqual(runner.Estimate(every[:1]).seconds(every[1:2], 2), 3 * guess / 2)

    def test_a_quick_try_has_a_folder_of_its_own(self):
        self.assertEqual(studies.parse(["plane"]).out, Path("out/studies"))
        self.assertEqual(studies.parse(["plane", "--quick"]).out, Path("out/quick"))
        self.assertEqual(studies.parse(["plane", "--quick", "--out", "x"]).out, Path("x"))

    def test_the_build_folder_is_one_that_has_both_programs(self):
        with mock.patch.object(studies, "SOURCE", self.root):
            for folder, names in (("build/release", ["train"]), ("build/demo", ["train", "eval"])):
                for name in names:
                    place = self.root / folder / "examples" / name
                    place.mkdir(parents=True)
                    shutil.copy(self.programs / f"ldmat-{name}", place)
            self.assertEqual(studies.programs_folder(None), self.root / "build/demo")

    def test_missing_programs_and_bad_arguments_are_told(self):
        (self.programs / "ldmat-eval").unlink()
        status, text = self.call("plane", "--quick")
        self.assertEqual(status, 1)
        self.assertIn("there is no program ldmat-eval in", text)
        for words in (["plan"], ["plane", "--seeds", "0"], ["plane", "--jobs", "x"],
                      ["plane", "--data", "nowhere"]):
            with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as raised:
                studies.main(words)
            self.assertEqual(raised.exception.code, 2)


class InterruptTest(Case):
    def start(self, steps, before=None):
        return subprocess.Popen([sys.executable, STUDIES, *self.command("plane", "--quick")], text=True,
                                env={**os.environ, "STEPS": str(steps)}, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, preexec_fn=before)

    def wait_for(self, what):
        for _ in range(1200):
            if what():
                return
            time.sleep(0.05)
        self.fail("it does not come")

    def test_a_signal_keeps_the_state_and_the_same_command_goes_on(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                shutil.rmtree(self.out, ignore_errors=True)
                (self.root / "calls").unlink(missing_ok=True)
                child = self.start(100000)
                self.wait_for(lambda: len(self.calls("train")) == 2)
                child.send_signal(number)
                text = child.communicate(timeout=30)[0]
                self.assertEqual(child.returncode, 130, text)
                self.assertIn("The same command goes on", text)
                checkpoints = list(self.out.glob("runs/*/checkpoint"))
                self.assertEqual((len(checkpoints), len(self.calls("train"))), (2, 2))
                self.assertIn("2 begun", self.call("status", "--quick")[1])
                status, text = self.call("plane", "--quick")
                self.assertEqual(status, 0, text)
                self.assertEqual(len(self.calls("train")), 8)
                resumed = [call for call in self.calls("train") if "--resume" in call]
                self.assertEqual(len(resumed), 2)
                for folder in (path.parent for path in checkpoints):
                    self.assertTrue(any(str(folder) in call for call in resumed))

    def test_what_the_caller_ignores_stays_ignored(self):
        child = self.start(100000, lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))  # as nohup does
        self.wait_for(lambda: len(self.calls("train")) == 2)
        child.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.assertIsNone(child.poll())
        child.send_signal(signal.SIGTERM)
        text = child.communicate(timeout=30)[0]
        self.assertEqual((child.returncode, text.count("Stopping")), (130, 1), text)

    def test_a_run_that_outlives_its_caller_is_not_touched(self):
        child = self.start(40)
        self.wait_for(lambda: len(self.calls("train")) == 2)
        child.kill()
        child.communicate(timeout=30)
        status, text = self.call("plane", "--quick")  # waits for the two to end
        self.assertEqual(status, 0, text)
        resumed = [call for call in self.calls("train") if "--resume" in call]
        self.assertEqual((len(self.calls("train")), len(resumed)), (8, 2), text)

    def test_two_calls_share_their_runs(self):
        child = self.start(20)
        self.wait_for(lambda: len(self.calls("train")) == 2)
        status, text = self.call("plane", "--quick")
        child.communicate(timeout=60)
        self.assertEqual((status, child.returncode), (0, 0), text)
        self.assertEqual((len(self.calls("train")), len(self.calls("eval"))), (6, 6))


@unittest.skipUnless(HAS_MATPLOTLIB, "this Python has no matplotlib")
class PicturesTest(Case):
    draws = True

    def test_pictures_are_small_and_the_same_each_time(self):
        for study in ("regularizers", "batch", "colour"):
            self.assertEqual(self.call(study, "--quick", "--seeds", "2")[0], 0)
        first = {path: path.read_bytes() for path in self.out.glob("*/*.svg")}
        self.assertEqual(len(first), 1 + 1 + 2)
        for path, content in first.items():
            self.assertLess(len(content), 400_000, path)
            self.assertIn(b"</svg>", content)
            self.assertNotIn(b"<dc:date>", content)
            path.unlink()
        for study in ("regularizers", "batch", "colour"):
            command = [sys.executable, STUDIES, *self.command(study, "--quick", "--seeds", "2")]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self.assertEqual({path: path.read_bytes() for path in self.out.glob("*/*.svg")}, first)


class PageTest(Case):
    def setUp(self):
        super().setUp()
        fewer = mock.patch.object(definitions, "SEEDS", 1)
        fewer.start()
        self.addCleanup(fewer.stop)
        self.docs = self.root / "docs"
        self.docs.mkdir()
        shutil.copy(SOURCE / "docs/results.md", self.docs)
        # The page as it was before anything was measured.
        path = self.docs / "results.md"
        nothing = {name: page.NOT_MEASURED for name in page.known_tables()}
        path.write_text(page.filled(path.read_text(), nothing))

    def docs_call(self, *words):
        return self.call("docs", "--into", str(self.docs), *words)

    def change(self, old, new):
        path = self.docs / "results.md"
        self.assertIn(old, path.read_text())
        path.write_text(path.read_text().replace(old, new, 1))

    def drawn(self, study):
        """Stands in for pictures where there is no matplotlib."""
        for table in self.results(study)["tables"]:
            if table["picture"] and not (self.out / study / table["picture"]).exists():
                (self.out / study / table["picture"]).write_text("<svg></svg>\n")

    def test_tables_pictures_and_figures_are_copied_and_checked(self):
        self.assertEqual(self.docs_call("--check")[0], 0)
        self.call("plane", "--seeds", "2")
        self.drawn("plane")
        status, text = self.docs_call()
        self.assertEqual(status, 0, text)
        self.assertIn("plane: taken", text)
        self.assertIn("colour: no results", text)
        made = (self.docs / "results.md").read_text()
        block = made.split("<!-- study:plane-mnist -->\n")[1].split("<!-- /study:plane-mnist -->")[0]
        table = (self.out / "plane/table.md").read_text()
        row = next(line for line in table.splitlines() if "| softmax |" in line)
        self.assertIn(row, block)
        self.assertIn("](images/results/plane-mnist.svg)", block)
        self.assertIn("studies.py plane --seeds 2", block)
        self.assertIn(f"<!-- study:batch -->\n{page.NOT_MEASURED}<!-- /study:batch -->", made)
        figures_kept = json.loads((self.docs / "results/plane.json").read_text())
        self.assertNotIn("runs", figures_kept)
        self.assertLess(len(json.dumps(figures_kept)), 20_000)
        status, text = self.docs_call("--check")
        self.assertEqual(status, 0, text)
        self.assertIn("not measured yet: batch", text)
        self.assertNotIn("not measured yet: plane-mnist", text)
        before = made
        self.docs_call()
        self.assertEqual((self.docs / "results.md").read_text(), before)

    def test_whatever_drifts_is_noticed(self):
        self.call("plane", "--seeds", "2")
        self.drawn("plane")
        self.docs_call()
        kept = {path: path.read_bytes() for path in self.docs.rglob("*") if path.is_file()}

        def damage(expected, action):
            action()
            status, text = self.docs_call("--check")
            self.assertEqual(status, 1, expected)
            self.assertIn(expected, text)
            for path in self.docs.rglob("*"):
                if path.is_file() and path not in kept:
                    path.unlink()
            for path, content in kept.items():
                path.write_bytes(content)
            self.assertEqual(self.docs_call("--check")[0], 0)

        figures_file = self.docs / "results/plane.json"
        damage("the table plane-mnist is not that of", lambda: self.change(" ± ", " ± 1"))
        damage("the table plane-mnist is not that of",
               lambda: figures_file.write_text(figures_file.read_text().replace('"mean": 8', '"mean": 9', 1)))
        damage("the table batch is not that of", lambda: self.change(
            f"batch -->\n{page.NOT_MEASURED}", "batch -->\n| 99 |\n"))
        damage("the table plane-mnist is not that of", figures_file.unlink)
        damage("is not what `studies.py docs` writes", lambda: figures_file.write_text("{"))
        damage("not as `studies.py docs` writes it", lambda: figures_file.write_text('{"study": "plane"}'))
        damage("other.json is not what", lambda: (self.docs / "results/other.json").write_text("{}"))
        damage("plane-mnist.svg is not there", (self.docs / "images/results/plane-mnist.svg").unlink)
        damage("old.svg belongs to no table", lambda: (self.docs / "images/results/old.svg").write_text(""))
        damage("there is no table letters", lambda: self.change(
            "<!-- study:batch -->", "<!-- study:letters -->\n<!-- /study:letters -->\n<!-- study:batch -->"))
        damage("the table batch has no markers", lambda: self.change(
            f"<!-- study:batch -->\n{page.NOT_MEASURED}<!-- /study:batch -->", ""))
        damage("there is no <!-- /study:batch -->",
               lambda: (self.docs / "results.md").write_text("<!-- study:batch -->\n"))
        damage("stands there twice", lambda: self.change(
            "<!-- /study:batch -->",
            "<!-- /study:batch -->\n<!-- study:plane-mnist -->\n<!-- /study:plane-mnist -->"))
        damage("closes what is not open", lambda: self.change("<!-- study:batch -->\n", ""))
        damage("stands within study:batch", lambda: self.change("<!-- /study:batch -->\n", ""))

    def test_what_is_unfinished_or_quick_is_not_taken(self):
        before = (self.docs / "results.md").read_text()
        with mock.patch.dict(os.environ, {"FAIL": "--loss triplet"}):
            self.call("plane", "--seeds", "1")
        self.drawn("plane")
        status, text = self.docs_call()
        self.assertEqual(status, 0)
        self.assertIn("plane: not finished", text)
        self.assertEqual((self.docs / "results.md").read_text(), before)
        self.call("batch", "--quick")
        self.drawn("batch")
        self.assertIn("batch: only a quick try", self.docs_call()[1])
        self.assertEqual((self.docs / "results.md").read_text(), before)
        self.assertEqual(self.docs_call("--partial")[0], 0)
        self.assertIn("| triplet | – |", (self.docs / "results.md").read_text())

    def test_fewer_seeds_do_not_take_the_place_of_all(self):
        before = (self.docs / "results.md").read_text()
        self.call("plane", "--seeds", "2")
        self.drawn("plane")
        with mock.patch.object(definitions, "SEEDS", 3):
            self.assertIn("plane: only 2 of 3 seeds", self.docs_call()[1])
            self.assertEqual((self.docs / "results.md").read_text(), before)
            self.assertIn("plane: taken", self.docs_call("--partial")[1])

    def test_what_fails_leaves_the_documents_as_they_were(self):
        self.call("plane", "--seeds", "1")
        self.call("batch", "--seeds", "1")
        self.drawn("plane")
        self.drawn("batch")
        path = self.out / "batch/results.json"
        good = path.read_text()
        before = {each: each.read_bytes() for each in self.docs.rglob("*") if each.is_file()}
        for text, message in ((good.replace('"name": "batch"', '"name": "renamed"'), "the table renamed"),
                              ("{}", "batch/results.json: not as a study writes it"),
                              ("[]", "batch/results.json: not as a study writes it")):
            path.write_text(text)
            status, said = self.docs_call()
            self.assertEqual(status, 1)
            self.assertIn(message, said)
            self.assertEqual({each: each.read_bytes() for each in self.docs.rglob("*") if each.is_file()},
                             before)

    def test_pictures_must_have_been_drawn(self):
        self.call("plane", "--seeds", "1")
        for path in self.out.glob("plane/*.svg"):
            path.unlink()
        status, text = self.docs_call()
        self.assertEqual(status, 1)
        self.assertIn("the pictures plane-mnist.svg, plane-fashion.svg are not drawn", text)
        self.assertFalse((self.docs / "results").exists())

    def test_what_a_person_writes_stays(self):
        text = (self.docs / "results.md").read_text()
        begin, end = page.places(text)["seen", "plane"]
        text = f"{text[:begin]}Rays and discs.\n{text[end:]}"
        (self.docs / "results.md").write_text(text)
        seen = {key: text[slice(*where)] for key, where in page.places(text).items() if key[0] == "seen"}
        self.call("plane", "--seeds", "1")
        self.drawn("plane")
        self.docs_call()
        text = (self.docs / "results.md").read_text()
        after = {key: text[slice(*where)] for key, where in page.places(text).items() if key[0] == "seen"}
        self.assertEqual(after, seen)
        self.assertNotIn("to be written: plane", self.docs_call("--check")[1])


class CifarPartTest(unittest.TestCase):
    """With classes of few images: the real archives are 170 MB each."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        few = mock.patch.dict(cifar_part.KINDS, {"cifar-10-binary": (1, 0, 10, 4, 2),
                                                 "cifar-100-binary": (2, 1, 10, 4, 2)})
        few.start()
        self.addCleanup(few.stop)

    def write(self, stem, files):
        path = self.root / f"{stem}.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(f"folder/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return path

    @staticmethod
    def images(count, labels, first=0):
        """Images of ten classes, each with a colour of its own."""
        return b"".join((bytes([7, at % 10]) if labels == 2 else bytes([at % 10])) + bytes([first + at]) * 3072
                        for at in range(count))

    def read(self, path):
        with tarfile.open(path) as tar:
            return {Path(member.name).name: tar.extractfile(member).read() for member in tar}

    def call(self, *words):
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            status = cifar_part.main([str(word) for word in words])
        return status, text.getvalue()

    def test_as_many_of_each_class_and_none_twice(self):
        for stem, labels, train, test in (("cifar-10-binary", 1, "data_batch_1.bin", "test_batch.bin"),
                                          ("cifar-100-binary", 2, "train.bin", "test.bin")):
            with self.subTest(stem):
                files = {train: self.images(60, labels), test: self.images(30, labels, 100),
                         "names.txt": b"a\n", "readme.html": b"x"}
                if labels == 1:
                    files["data_batch_2.bin"] = self.images(50, 1, 150)
                archive = self.write(stem, files)
                status, text = self.call(archive, self.root / "part")
                self.assertEqual(status, 0, text)
                path = self.root / "part" / f"{stem}-subset.tar.gz"
                made = self.read(path)
                self.assertEqual(set(made), {train, test, "names.txt"})
                for name, each, colours in ((train, 4, [*range(60), *range(150, 200)]), (test, 2, range(100, 130))):
                    size = labels + 3072
                    found = [made[name][at:at + size] for at in range(0, len(made[name]), size)]
                    self.assertEqual([[image[labels - 1] for image in found].count(at) for at in range(10)],
                                     [each] * 10)
                    self.assertEqual(len(set(found)), len(found))
                    self.assertLessEqual({image[-1] for image in found}, set(colours))
                    self.assertNotEqual([image[labels - 1] for image in found], sorted(
                        image[labels - 1] for image in found), "shuffled")
                self.call(archive, self.root / "again")
                self.assertEqual(self.read(self.root / "again" / path.name), made)
                self.call(archive, self.root / "other", "--seed", "2")
                self.assertNotEqual(self.read(self.root / "other" / path.name), made)

    def test_what_is_no_whole_archive_is_refused_and_nothing_left(self):
        few = self.write("cifar-10-binary", {"data_batch_1.bin": self.images(30, 1),
                                             "test_batch.bin": self.images(30, 1)})
        self.assertIn("the training part has 3 images of class 0, wanted are 4",
                      self.call(few, self.root / "part")[1])
        cut = self.write("cifar-10-binary", {"data_batch_1.bin": self.images(60, 1)[:-1]})
        self.assertIn("data_batch_1.bin holds", self.call(cut, self.root / "part")[1])
        cut.write_bytes(b"no archive")
        self.assertEqual(self.call(cut, self.root / "part")[0], 1)
        self.assertIn("not one of cifar-10-binary.tar.gz", self.call("x.tar.gz", self.root / "part")[1])
        self.assertFalse((self.root / "part").exists())


class RealProgramsTest(unittest.TestCase):
    def test_a_quick_study(self):
        if PROGRAMS is None:
            self.skipTest("--programs names none")
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, STUDIES, "plane", "--quick", "--out", folder, "--programs", PROGRAMS]
            result = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            made = json.loads(Path(folder, "plane/results.json").read_text())
            self.assertTrue(made["finished"])
            for row in made["tables"][0]["rows"]:
                # One epoch in the plane is little; guessing is 10 %.
                self.assertGreater(row["figures"]["best"]["mean"], 30, row["name"])


if __name__ == "__main__":
    if "--programs" in sys.argv:
        at = sys.argv.index("--programs")
        PROGRAMS = sys.argv[at + 1]
        del sys.argv[at:at + 2]
    unittest.main()
