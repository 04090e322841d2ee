#!/usr/bin/env python3
"""Tests examples/report/ldmat-report: on folders made here, on one that ldmat-train made (the program in
LDMAT_TRAIN_PROGRAM), and in Chromium, where there is one.

Exits with 77, which ctest reports as skipped, without NumPy and Matplotlib; with LDMAT_NO_SKIPS=1 that is an
error. Without Chromium, which only the gate installs, its tests say so and are skipped.
"""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

SOURCE = Path(__file__).resolve().parents[2]
PROGRAM = SOURCE / "examples" / "report" / "ldmat-report"
sys.dont_write_bytecode = True
sys.path.insert(0, str(PROGRAM.parent))

try:
    import matplotlib  # noqa: F401
    import numpy as np
except ImportError as problem:
    # The system's Python may have them where another one comes first in PATH.
    system = "/usr/bin/python3"
    if os.path.exists(system) and not os.environ.get("LDMAT_REPORT_PYTHON"):
        os.environ["LDMAT_REPORT_PYTHON"] = system
        os.execv(system, [system, *sys.argv])
    print(f"skipped: {problem} (Debian: apt install python3-matplotlib)")
    sys.exit(1 if os.environ.get("LDMAT_NO_SKIPS") else 77)

import measure  # noqa: E402
import page  # noqa: E402
import pictures  # noqa: E402
import runs  # noqa: E402


def load_program():
    loader = importlib.machinery.SourceFileLoader("ldmat_report", str(PROGRAM))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("ldmat_report", loader))
    loader.exec_module(module)
    return module


MAIN = load_program().main  # called here: to start the program each time would take most of the time
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EVIL = """<script>alert(1)</script> & "q" 'a' $x_1$ ]]> \x07 <!-- </title>"""
# Text that looks like what pictures.py rewrites in the attributes of an SVG.
LIKE_SVG = ["font: 9px x", ' id="zz"', ' d="M 1.23 4"', 'xlink:href="#a"', "a #333334"]


class Page(HTMLParser):
    """The elements of a page, and whether all that were opened were closed."""

    EMPTY = {"meta", "input", "br", "hr", "link", "img"}

    def __init__(self, text):
        super().__init__()
        self.elements = []  # (name, attributes)
        self.open = []
        self.words = []
        self.problems = []
        self.feed(text)
        self.close()
        self.problems += [f"<{name}> is not closed" for name in self.open]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} closes something else")

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def all(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]


def snapshots(images=120, classes=4, moments=(0, 3, 10, 30), seed=1):
    rng = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    centres = rng.normal(size=(classes, 2)) * 3
    return {"labels": labels.tolist(), "names": [f"class {i}" for i in range(classes)],
            "steps": list(moments), "epochs": [step / 10 for step in moments],
            "features": [(centres[labels] * i + rng.normal(size=(images, 2))).round(4).tolist()
                         for i in range(len(moments))]}


def metrics(**options):
    return {"program": "ldmat-train", "version": "0.1.0",
            "options": {"dataset": "digits", "loss": "ldmat", "dim": 2, "metric": "euclidean",
                        "one-sided": True, "epochs": 3, **options},
            "data": {"training_images": 500, "test_images": 120, "shape": [1, 28, 28],
                     "classes": [f"class {i}" for i in range(4)]},
            "parameters": 1234, "seconds": 1.5,
            "epochs": [{"epoch": i + 1, "loss": 1 / (i + 1), "mean_same_distance": 0.5 / (i + 1),
                        "mean_different_distance": 1.0,
                        "nearest_centroid_accuracy_of_2000": 0.7 + i / 10} for i in range(3)],
            "final": {"nearest_centroid_accuracy": 0.9125, "softmax_accuracy": 0.8875,
                      "ratio_between_to_within": 4.5}}


def evaluation():
    return {"program": "ldmat-eval", "version": "0.1.0",
            "classifiers": {"nearest_centroid": {"accuracy": 0.9234, "outside_superclass": 0.0321},
                            "rbf_svm": {"accuracy": 0.9345}, "new_one": {"accuracy": 0.5}},
            "geometry": {"silhouette": 0.7654, "mean_ratio": 5.25},
            "retrieval": {"precision_at_1": 0.9456, "map_at_r": 0.8567},
            "unseen": {"classes": 2, "images": 60, "map_at_r": 0.4321}, "seconds": {"all": 1}}


def write_features(folder, dimensions=2, classes=4, images=120, which="test"):
    rng = np.random.default_rng(2)
    labels = np.arange(images) % classes
    values = rng.normal(size=(classes, dimensions))[labels] * 4 + rng.normal(size=(images, dimensions))
    (folder / "features").mkdir(parents=True, exist_ok=True)
    np.save(folder / "features" / f"{which}_features.npy", values.astype("<f4"))
    np.save(folder / "features" / f"{which}_labels.npy", labels.astype("<i4"))
    return values, labels


def npy_header(shape):
    """An .npy file that ends where its numbers would begin."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def write_run(folder, dimensions=2, **options):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(metrics(dim=dimensions, **options)))
    (folder / "evaluation.json").write_text(json.dumps(evaluation()))
    write_features(folder, dimensions)
    if dimensions == 2:
        (folder / "snapshots.json").write_text(json.dumps(snapshots()))


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "run"
        self.root.mkdir()

    def run_program(self, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as out, \
                contextlib.redirect_stderr(io.StringIO()) as err:
            status = MAIN([str(argument) for argument in arguments])
        return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())

    def report(self, folder=None):
        """The text of the report, after what holds of any."""
        folder = folder or self.root
        result = self.run_program(folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        text = (folder / "report.html").read_text(encoding="utf-8")
        page = Page(text)
        self.assertEqual(page.problems, [])
        self.assertEqual([name for name in os.listdir(folder) if name.endswith(".part")], [])
        identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        self.assertEqual(len(identities), len(set(identities)), "an id is there twice")
        for tag, attributes in page.elements:
            for name, value in attributes.items():
                if name.startswith("aria-labelledby") or name == "for":
                    self.assertIn(value, identities)
                if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
                    if tag == "a" and value.startswith("https://doi.org/"):
                        continue
                    self.assertRegex(value, r"^(#|data:image/)", f"<{tag} {name}=...> loads something")
                    if value.startswith("#") and tag != "a":
                        self.assertIn(value[1:], identities)
                if value and "url(" in value:
                    self.assertIn(re.search(r"url\(#([^)]+)\)", value)[1], identities)
            if tag in ("svg", "canvas"):
                self.assertEqual(attributes.get("role"), "img")
                self.assertTrue(attributes.get("aria-label"))
        self.assertNotIn("link", [tag for tag, _ in page.elements])
        self.assertNotIn("iframe", [tag for tag, _ in page.elements])
        self.assertNotIn("@import", text)
        self.assertIn("default-src 'none'", text)
        return text, page

    def refused(self, *parts):
        """The program ends with status 1, one line that has the parts, and no report."""
        result = self.run_program(self.root)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for words in ("ldmat-report: ", *parts):
            self.assertIn(words, result.stderr)
        self.assertFalse((self.root / "report.html").exists())


class ReportTest(InFolder):
    def test_a_whole_run(self):
        write_run(self.root)
        text, page = self.report()
        captions = re.findall(r"<caption>([^<]*)</caption>", text)
        for caption in ("Figures of the test images, by ldmat-train", "Geometry", "Retrieval",
                        "Classifiers on the features of the test images", "Options and data",
                        "Classes that were not trained on", "The nearest classes"):
            self.assertIn(caption, captions)
        for words in ("91.25 %", "92.34 %", "3.21 %", "93.45 %", "0.7654", "94.56 %", "43.21 %", "88.75 %",
                      "--one-sided yes", "new_one 50.00 %", "120 test images; a colour for each class"):
            self.assertIn(words, page.text)
        self.assertNotIn("What was not there", page.text)
        self.assertEqual(len(page.all("canvas")), 1)
        self.assertEqual(len(re.findall(r"<li><svg", text)), 4)  # the strip
        self.assertEqual([h for h, _ in page.elements if h == "h1"], ["h1"])

    def test_the_same_each_time_and_whatever_the_users_style(self):
        write_run(self.root)
        style = self.root.parent / "matplotlibrc"
        style.write_text("font.size: 30\naxes.facecolor: red\n")
        result = subprocess.run([sys.executable, str(PROGRAM), str(self.root)],
                                capture_output=True, text=True,
                                env={**os.environ, "MATPLOTLIBRC": str(style), "PYTHONHASHSEED": "7"})
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        path = self.root / "report.html"
        self.assertEqual(result.stdout, f"{path}\n")
        first = path.read_text(encoding="utf-8")
        self.assertEqual(self.report()[0], first)

    def test_more_dimensions_are_projected_and_that_is_said(self):
        write_run(self.root, dimensions=16)
        write_features(self.root, 16, which="unseen")
        _, page = self.report()
        self.assertIn("2-D PCA projection of 16-dimensional features", page.text)
        self.assertIn("principal component 2", page.text)
        self.assertIn("120 images of unseen classes", page.text)
        self.assertNotIn("snapshots.json", page.text)
        self.assertEqual(page.all("canvas"), [])

    def test_one_dimension(self):
        write_run(self.root, dimensions=1)
        self.assertIn("feature 1", self.report()[1].text)

    def test_many_classes_are_coloured_by_superclass(self):
        write_run(self.root, dimensions=8)
        write_features(self.root, 8, classes=40, images=400)
        (self.root / "features" / "classes.json").write_text(json.dumps(
            {"names": [f"c{i}" for i in range(40)], "coarse": [i // 10 for i in range(40)],
             "coarse_names": ["fish", "birds", "trees", "cars"]}))
        text, page = self.report()
        self.assertIn("a colour for each superclass", page.text)
        self.assertIn("birds", page.text)
        self.assertIn("40 by 40 classes", text)
        # The classes of the nearest pairs are named.
        self.assertRegex(page.text, r"\bc\d+ – c\d+ ")

    def test_names_are_text_wherever_they_stand(self):
        write_run(self.root, dataset=EVIL)
        for name in ("snapshots.json", "metrics.json"):
            content = json.loads((self.root / name).read_text())
            if name == "snapshots.json":
                content["names"] = [EVIL, *LIKE_SVG]
            else:
                content["data"]["classes"] = [EVIL, *LIKE_SVG]
                content["options"][EVIL] = EVIL
                content["final"][EVIL] = 1.5
            (self.root / name).write_text(json.dumps(content))
        write_features(self.root, classes=1 + len(LIKE_SVG))
        text, page = self.report()
        drawn = [unescape(words) for words in re.findall(r"<text[^>]*>([^<]*)</text>", text)]
        for name in LIKE_SVG:  # in the scatter plot and along both sides of the map of distances
            self.assertEqual(drawn.count(name[:16]), 3, name)
        self.assertNotIn("<script>alert", text)
        self.assertNotIn("\x07", text)
        self.assertIn("<script>alert(1)</script> & \"q\" 'a' $x_1$ ]]>", page.text)
        scripts = [attributes for attributes in page.all("script")]
        self.assertEqual(len(scripts), 2)
        result = self.run_program(self.root, "--strip", self.root / "s.svg")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_missing_file_is_said_to_be_missing(self):
        write_run(self.root)
        for path, words in (("evaluation.json", "ldmat-eval writes it"),
                            ("snapshots.json", "the pictures through the training"),
                            ("features/test_features.npy", "no features.csv either"),
                            ("metrics.json", "written when a run ends")):
            kept = (self.root / path).read_bytes()
            (self.root / path).unlink()
            page = self.report()[1]
            self.assertIn("What was not there", page.text)
            self.assertIn(path, page.text)
            self.assertIn(words, page.text)
            (self.root / path).write_bytes(kept)

    def test_any_part_alone_makes_a_report(self):
        write_run(self.root)
        for path in ("metrics.json", "evaluation.json", "snapshots.json", "features"):
            alone = self.root.parent / f"only-{path}"
            alone.mkdir()
            copy = shutil.copytree if (self.root / path).is_dir() else shutil.copy
            copy(self.root / path, alone / path)
            self.report(alone)
        alone = self.root.parent / "only-csv"
        alone.mkdir()
        (alone / "features.csv").write_text("label,f0,f1\n0,1,2\n1,3,4\n1,3.5,4\n")
        self.assertIn("3 test images", self.report(alone)[1].text)

    def test_odd_content_is_no_crash(self):
        for content in ({}, {"options": None, "final": [], "epochs": {}},
                        {"epochs": [{"loss": None}, 3, {"loss": "x"}], "final": {"a": None}},
                        {"epochs": [{"loss": float("nan")}], "options": {"dim": "two", "x": [1, {}]}},
                        {"epochs": [{"loss": 10 ** 400, "epoch": 10 ** 400}]},
                        {"data": {"classes": 5}}, {"options": {"metric": 5}}):
            (self.root / "metrics.json").write_text(json.dumps(content))
            (self.root / "evaluation.json").write_text(json.dumps({"classifiers": {"1-nn": 3}}))
            with self.subTest(content=content):
                self.report()

    def test_figures_that_a_later_version_adds_are_shown(self):
        write_run(self.root)
        content = metrics()
        content["final"] = {"new_figure": 0.5, "attainable": {"realisable": False, "lowest_loss": 0.0125}}
        content["epochs"][0]["mean_same_distance"] = 0
        for entry in content["epochs"]:
            entry["mean_different_distance"] = 0
        (self.root / "metrics.json").write_text(json.dumps(content))
        text, page = self.report()
        for words in ("new figure 0.5", "attainable realisable no", "attainable lowest loss 0.0125"):
            self.assertIn(words, page.text)
        # Distances that are all zero are no curve, those that begin so are.
        self.assertIn("within classes 0 after epoch 1, 0.1667 after epoch 3", text)
        self.assertNotIn("between classes 0 after", text)

    def test_features_that_are_not_finite_are_left_out(self):
        write_run(self.root)
        values, _ = write_features(self.root)
        values[3] = np.nan
        values[4, 0] = np.inf
        np.save(self.root / "features" / "test_features.npy", values)
        content = snapshots()
        content["features"][1][5] = [None, 2.0]
        content["features"][2] = [[None, None]] * 120
        (self.root / "snapshots.json").write_text(json.dumps(content))
        self.assertIn("2 with features that are not finite", self.report()[1].text)
        # In the animation a point is left out where either of its coordinates is not finite.
        content["features"][1][6] = [2.0, None]
        content["features"][1][7] = [2.0, 1e300]
        (self.root / "snapshots.json").write_text(json.dumps(content))
        drawn = page.player(runs.read_run(self.root, "run"), "player", 120)
        moments = json.loads(re.search(r"json\">(.*)</script>", drawn)[1])["moments"]
        for i, absent in enumerate(([], [5, 6, 7], list(range(120)), [])):
            for axis in "xy":
                self.assertEqual([k for k, at in enumerate(moments[i][axis]) if at < 0], absent)
                self.assertTrue(all(-1 <= at <= 4095 for at in moments[i][axis]))
        values[5] = 1e300
        np.save(self.root / "features" / "test_features.npy", values)
        self.assertIn("3 with features that are not finite", self.report()[1].text)
        np.save(self.root / "features" / "test_features.npy", values * np.nan)
        self.report()

    def test_broken_files_are_named(self):
        write_run(self.root)
        for path, content, *parts in (
                ("metrics.json", b"{\"a\": 1,,}", "broken JSON", "line 1"),
                ("metrics.json", b"", "broken JSON"),
                ("metrics.json", b"\xff\xfe", "broken JSON"),
                ("metrics.json", b"[" * 100000, "broken JSON"),
                ("evaluation.json", b"[1]", "needed is a JSON object, this is a list"),
                ("snapshots.json", b"{}", "'labels' is missing"),
                ("snapshots.json", b'{"labels": [1], "names": [], "steps": [0], "epochs": [0], '
                                   b'"features": [[]]}', "as many points"),
                ("snapshots.json", b'{"labels": [1], "names": [], "steps": [0], "epochs": [], '
                                   b'"features": [[]]}', "1 steps, 0 epochs"),
                ("snapshots.json", b'{"labels": "x", "names": 3, "steps": [], "epochs": [], '
                                   b'"features": [[]]}', "not what ldmat-train writes"),
                ("features/classes.json", b"nonsense", "broken JSON"),
                ("features/test_features.npy", b"nonsense", "broken NumPy file"),
                ("features/test_labels.npy", b"", "broken NumPy file"),
                ("features/test_features.npy", b"PK\x03\x04nonsense", "broken NumPy file"),
                ("features/test_features.npy", npy_header("(3, 2"), "broken NumPy file"),
                ("features/test_features.npy", npy_header("(3, 2)" + " " * 20000), "broken NumPy file"),
                ("features/test_features.npy", npy_header("(3, 2)"), "broken NumPy file"),
                ("features/test_features.npy", npy_header(f"({10 ** 15}, 2)"), "does not fit into memory"),
                ("features/test_features.npy", npy_header(f"({10 ** 21}, 2)"), "does not fit into memory"),
                ("features/test_labels.npy", npy_header(f"({10 ** 21},)"), "does not fit into memory"),
                ("features/test_features.npy", npy_header("(120, 0)"), "rows without features")):
            kept = (self.root / path).read_bytes() if (self.root / path).exists() else None
            (self.root / path).write_bytes(content)
            with self.subTest(path=path, content=content[:20]):
                self.refused(str(self.root / path), *parts)
            if kept is None:
                (self.root / path).unlink()
            else:
                (self.root / path).write_bytes(kept)
        np.save(self.root / "features" / "test_labels.npy", np.zeros(7, "<i4"))
        self.refused("120 rows, but there are 7 labels")
        np.save(self.root / "features" / "test_labels.npy", np.zeros((7, 2), "<i4"))
        self.refused("test_labels.npy", "with 1 dimensions")
        np.save(self.root / "features" / "test_labels.npy", np.array([{}], object), allow_pickle=True)
        self.refused("test_labels.npy", "broken NumPy file")

    def test_a_broken_table_is_named_with_the_line(self):
        for content, *parts in (
                ("label,f0,f1\n0,1,2\n99999999999999999999,3,4\n", "line 3", "99999999999999999999"),
                ("label,f0,f1\n0,1,2\n-99999999999999999999,3,4\n", "line 3"),
                ("label\n0\n1\n", "no columns of features"),
                ("", "no columns of features"),
                ("label,f0,f1\n", "no rows of features"),
                ("label,f0,f1\n0,1,2\n1,3\n", "line 3 has 2 columns instead of 3"),
                ("label,f0,f1\n0,1,2,3\n1,3,4\n", "line 2 has 4 columns instead of 3"),
                ("label,f0,f1\n0\n1\n", "line 2 has 1 columns instead of 3"),
                ("label,f0,f1\n0,1,2\n\n1,3,4\n", "line 3 has 0 columns instead of 3"),
                ("label,f0,f1\n0,1,2\n0,x,2\n", "line 3", "'x'"),
                ("label,f0,f1\n0,1,2\n0.5,1,2\n", "line 3", "'0.5'")):
            (self.root / "features.csv").write_text(content)
            with self.subTest(content=content):
                self.refused(f"{self.root / 'features.csv'}: ", *parts)

    def test_one_test_image(self):
        for dimensions in (1, 2, 3):
            write_features(self.root, dimensions, images=1)
            with self.subTest(dimensions=dimensions):
                self.assertIn("1 test images", self.report()[1].text)

    def test_folders_without_a_run_are_refused(self):
        self.refused(str(self.root), "neither a run")
        result = self.run_program(self.root / "none")
        self.assertEqual((result.returncode, "no such folder" in result.stderr), (1, True))

    def test_a_folder_of_runs(self):
        write_run(self.root / "digits" / "seed2", seed=2)
        write_run(self.root / "digits" / "seed10", seed=10)
        write_run(self.root / "cifar" / "d16", dimensions=16, dataset="cifar10")
        content = evaluation()
        content["classifiers"]["nearest_centroid"]["accuracy"] = 0.95
        (self.root / "digits" / "seed10" / "evaluation.json").write_text(json.dumps(content))
        text, page = self.report()
        self.assertIn("run: 3 runs", page.text)
        heads = re.search(r"<caption>All runs.*?</thead>", text, re.S)[0]
        columns = re.findall(r'<th scope="col">([^<]*)</th>', heads)
        self.assertEqual(columns[:4], ["run", "dataset", "dim", "seed"])
        self.assertIn("nearest centroid", columns)
        self.assertNotIn("one-sided", columns)  # it is the same in all of them
        names = re.findall(r'<h2 id="run\d-title">([^<]*)', text)
        self.assertEqual(names, ["cifar/d16", "digits/seed2", "digits/seed10"])
        # The best of several with the same data set, and only there.
        self.assertEqual(re.findall(r"<strong>([^<]*)", text), ["95.00 %"])
        self.assertEqual(text.count('<figure><a href="#run'), 3)
        self.assertEqual(len(page.all("canvas")), 2)

    def test_the_size_is_modest(self):
        write_run(self.root)
        write_features(self.root, images=10000, classes=10)
        (self.root / "snapshots.json").write_text(json.dumps(
            snapshots(1000, 10, (0, 1, 11, 36, 84, 165, 284, 452, 674, 960))))
        text, page = self.report()
        self.assertIn("10,000 test images, of which 2,000 are drawn", page.text)
        self.assertLess(len(text), 800_000)

    def test_the_strip_alone(self):
        write_run(self.root)
        target = self.root / "strip.svg"
        texts = []
        for _ in range(2):
            self.assertEqual(self.run_program(self.root, "--strip", target).returncode, 0)
            texts.append(target.read_text())
        self.assertEqual(*texts)
        self.assertTrue(texts[0].startswith("<svg"))
        import xml.etree.ElementTree as tree
        words = [node.text for node in tree.fromstring(texts[0]).iter("{http://www.w3.org/2000/svg}text")]
        for title in ("untrained", "epoch 0.3", "epoch 1", "epoch 3"):
            self.assertIn(title, words)
        self.assertNotRegex(texts[0], r"Matplotlib|\d{4}-\d\d-\d\d")
        self.assertFalse((self.root / "report.html").exists())
        (self.root / "snapshots.json").unlink()
        result = self.run_program(self.root, "--strip", target)
        self.assertEqual(result.returncode, 1)
        self.assertIn("snapshots.json: not there", result.stderr)

    def test_what_cannot_be_written(self):
        write_run(self.root)
        result = self.run_program(self.root, "--out", self.root / "none" / "report.html")
        self.assertEqual(result.returncode, 1)
        self.assertIn("report.html: cannot be written", result.stderr)
        for target in (self.root, self.root / "metrics.json" / "report.html", self.root / ("x" * 300),
                       ".", ""):
            with self.subTest(target=target):
                result = self.run_program(self.root, "--out", target)
                self.assertEqual((result.returncode, result.stderr.count("\n")), (1, 1), result.stderr)
                self.assertIn("cannot be written", result.stderr)
                for folder in (self.root, self.root.parent, Path()):
                    self.assertEqual(list(folder.glob("*.part")), [])

    def test_only_its_own_part_is_written_and_removed(self):
        write_run(self.root)
        of_another = self.root / "report.html.part"  # of a process that writes the same report
        of_another.write_text("half a report")
        self.assertEqual(self.run_program(self.root).returncode, 0)
        self.assertEqual(of_another.read_text(), "half a report")
        (self.root / "report.html").unlink()
        for stopped in (KeyboardInterrupt, OSError, UnicodeError):
            with mock.patch.object(Path, "replace", side_effect=stopped), \
                    contextlib.suppress(KeyboardInterrupt, UnicodeError):
                self.run_program(self.root)
            self.assertEqual(list(self.root.glob("report*")), [of_another])
        names = []
        with mock.patch.object(Path, "replace", lambda part, path: names.append(part.name)):
            self.run_program(self.root)
        self.assertEqual(names, [f"report.html.{os.getpid()}.part"])


class MeasureTest(unittest.TestCase):
    def test_embedded_json_cannot_end_its_script(self):
        value = {"a": "</script><!--", "b": [1, 2.5, None]}
        self.assertNotRegex(page.embedded(value), "[<>&]")
        self.assertEqual(json.loads(page.embedded(value)), value)

    def test_projection(self):
        rng = np.random.default_rng(3)
        plane = rng.normal(size=(200, 2)) * (5, 2)
        turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
        values = np.column_stack([plane, np.zeros((200, 4))]) @ turn + 7
        points, share = measure.projection(values)
        self.assertAlmostEqual(share, 1)
        # What lies in a plane keeps its distances.
        apart = np.linalg.norm(values[:, None] - values[None], axis=2)
        np.testing.assert_allclose(np.linalg.norm(points[:, None] - points[None], axis=2), apart, atol=1e-6)
        self.assertGreater(points[:, 0].var(), points[:, 1].var())
        self.assertEqual(measure.projection(np.ones((5, 3)))[1], 0)
        points, share = measure.projection(np.array([[1.0, 2, 3]]))
        self.assertEqual((points.tolist(), share), ([[0, 0]], 0))

    def test_class_distances(self):
        values = np.array([[0, 0], [2, 0], [4, 3], [4, 5.0]])
        labels = np.array([3, 3, 7, 7])
        centre = np.array([3.0, 4.0])  # from (1, 0) to (4, 4)
        for metric, between, within in (("euclidean", 5, 1), ("squared-euclidean", 25, 1),
                                        ("manhattan", centre.sum(), 1)):
            classes, table = measure.class_distances(values, labels, metric)
            self.assertEqual(classes.tolist(), [3, 7])
            np.testing.assert_allclose(table, [[within, between], [between, within]])
        a, b = np.array([[1.0, 0]]), np.array([[0, 2.0], [3, 0], [-1, 0]])
        np.testing.assert_allclose(measure.distances(a, b, "cosine"), [[1, 0, 2]])
        table = np.array([[9, 1, 3], [1, 9, 2], [3, 2, 9.0]])
        self.assertEqual([pair[1:] for pair in measure.nearest_pairs(table, 2)], [(0, 1), (1, 2)])

    def test_thinned(self):
        self.assertEqual(pictures.thinned(10, 5).tolist(), [0, 2, 4, 6, 8])
        self.assertEqual(pictures.thinned(3, 5).tolist(), [0, 1, 2])
        self.assertEqual(pictures.thinned(0, 5).tolist(), [])

    def test_round_length(self):
        for most, length in ((1, 1), (0.99, 0.5), (4.9, 2), (60, 50), (0.002, 0.002)):
            self.assertAlmostEqual(pictures.round_length(most), length)


@unittest.skipUnless(os.environ.get("LDMAT_TRAIN_PROGRAM"), "LDMAT_TRAIN_PROGRAM is not set")
class TrainedTest(InFolder):
    def test_what_ldmat_train_leaves_is_understood(self):
        subprocess.run([os.environ["LDMAT_TRAIN_PROGRAM"], "--epochs", "1", "--threads", "1", "--out",
                        str(self.root)], check=True, capture_output=True)
        run = runs.read_runs(self.root)[0]
        self.assertEqual(run.snapshots.steps[0], 0)
        self.assertEqual(run.snapshots.epochs[-1], 1)
        self.assertEqual(len(run.snapshots.labels), 1000)
        text, page = self.report()
        for words in ("accuracy by nearest centroid", "1,000 test images", "--regularizer none",
                      "untrained", "mean distance within classes"):
            self.assertIn(words, page.text)
        self.assertEqual(len(re.findall(r"<li><svg", text)), len(run.snapshots.steps))


class SetUpTest(unittest.TestCase):
    def test_only_the_gate_installs_a_browser(self):
        packages = (SOURCE / "cmake" / "run.sh").read_text()
        self.assertEqual(re.findall(r"^chromium (.*)", packages, re.M)[0].split()[3:], ["?ci"])

    def test_without_a_browser_its_tests_are_skipped_and_say_so(self):
        result = subprocess.run([sys.executable, __file__, "BrowserTest", "-v"], capture_output=True,
                                text=True, env={**os.environ, "PATH": os.devnull})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"skipped .*there is no Chromium.*apt install chromium")
        self.assertRegex(result.stderr, r"OK \(skipped=\d+\)")


@unittest.skipUnless(CHROMIUM, "there is no Chromium (Debian: apt install chromium): nothing was looked "
                               "at in a browser")
class BrowserTest(InFolder):
    def dom(self, url, *flags):
        """The page's elements after its scripts ran, and what the browser's console said."""
        result = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--user-data-dir={self.root.parent / 'profile'}",
             "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0",
             "--virtual-time-budget=20000", *flags, "--dump-dom", url],
            capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout, [line for line in result.stderr.splitlines() if "CONSOLE" in line]

    def player(self, dom):
        attributes = Page(dom).all("div")
        found = [one for one in attributes if one.get("class") == "player"]
        self.assertEqual(len(found), 1)
        return found[0]

    def test_the_page_in_a_browser(self):
        write_run(self.root)
        self.report()
        address = (self.root / "report.html").as_uri()
        dom, console = self.dom(address)
        self.assertEqual(console, [])
        self.assertGreaterEqual(dom.count("<table"), 6)
        player = self.player(dom)
        self.assertNotIn("hidden", player)
        self.assertEqual(player["data-frame"], "3")
        self.assertIn("epoch 3, step 30 (4 of 4)", dom)
        # The console is heard at all.
        loud = self.root / "loud.html"
        loud.write_text((self.root / "report.html").read_text() + "<script>console.error('loud')</script>")
        self.assertEqual(len(self.dom(loud.as_uri())[1]), 1)

    def test_the_address_chooses_a_frame(self):
        write_run(self.root)
        self.report()
        address = (self.root / "report.html").as_uri()
        for asked, frame, words in (("1", "1", "epoch 0.3, step 3 (2 of 4)"), ("0", "0", "untrained, step 0"),
                                    ("99", "3", "(4 of 4)")):
            dom, console = self.dom(f"{address}#frame={asked}")
            self.assertEqual(console, [])
            self.assertEqual(self.player(dom)["data-frame"], frame)
            self.assertIn(words, dom)

    def test_play_goes_through_the_frames_and_the_picture_changes(self):
        write_run(self.root)
        text = self.report()[0]
        probe = """<script>
        const frames = [], pixels = new Set();
        // Virtual time passes without drawing, and so without requestAnimationFrame.
        window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 50);
        window.cancelAnimationFrame = clearTimeout;
        const one = document.querySelector('.player'), button = one.querySelector('.play');
        const look = () => {
          if (frames.at(-1) !== one.dataset.frame) frames.push(one.dataset.frame);
          pixels.add(one.querySelector('canvas').toDataURL());
          document.body.dataset.frames = frames.join(' ');
          document.body.dataset.pictures = pixels.size;
          document.body.dataset.button = button.textContent;
        };
        new MutationObserver(look).observe(one, {attributes: true});
        look();
        button.click();
        document.body.dataset.clicked = button.textContent;
        setTimeout(look, 15000);
        </script>"""
        copy = self.root / "probe.html"
        copy.write_text(text.replace("</body>", probe + "</body>"))
        dom, console = self.dom(copy.as_uri())
        self.assertEqual(console, [])
        body = Page(dom).all("body")[0]
        self.assertEqual(body["data-clicked"], "Pause")
        self.assertEqual(body["data-frames"], "3 0 1 2 3")
        self.assertGreaterEqual(int(body["data-pictures"]), 4)
        self.assertEqual(body["data-button"], "Play")

    def test_nothing_is_wider_than_a_phone(self):
        write_run(self.root / "a" / ("long" * 30), seed=2)
        write_run(self.root / "b", dimensions=16, seed=3)
        text = self.report()[0]
        probe = """<script>document.body.dataset.over = [...document.querySelectorAll('*')].filter((one) =>
          one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.scroll')).length;
          document.body.dataset.wide = document.documentElement.scrollWidth - innerWidth;</script>"""
        copy = self.root / "probe.html"
        frame = self.root / "frame.html"  # a window is never narrower than 500 pixels
        copy.write_text(text.replace("</body>", probe + "</body>"))
        frame.write_text("<body><iframe src='probe.html' width=360 height=700></iframe><script>"
                         "onload = () => { const page = frames[0].document.body; document.body.dataset.over "
                         "= page.dataset.over + ' ' + page.dataset.wide; };</script></body>")
        dom, _ = self.dom(frame.as_uri(), "--allow-file-access-from-files")
        over, wide = Page(dom).all("body")[0]["data-over"].split()
        self.assertEqual(over, "0")
        self.assertLessEqual(int(wide), 0)


if __name__ == "__main__":
    unittest.main()
