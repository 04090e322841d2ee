"""Reads what ldmat-train and ldmat-eval leave in the folder of a run."""

import csv
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

DEEPEST = 4  # folders within folders in which runs are looked for
SIGNS = ("metrics.json", "evaluation.json", "snapshots.json", "features.csv", "features")


class ReportError(Exception):
    """What goes wrong, for the user: begins with the file's name."""


@dataclass
class Snapshots:
    labels: np.ndarray  # (images)
    names: list
    steps: list
    epochs: list
    features: list  # of (images, 2), a moment each


@dataclass
class Features:
    values: np.ndarray  # (images, dimensions)
    labels: np.ndarray  # (images)


@dataclass
class Run:
    folder: Path
    name: str
    metrics: dict = field(default_factory=dict)
    evaluation: dict = field(default_factory=dict)
    snapshots: Snapshots = None
    test: Features = None
    unseen: Features = None
    classes: dict = field(default_factory=dict)
    missing: list = field(default_factory=list)  # (file, what it would have given)

    @property
    def options(self):
        return part(self.metrics, "options")

    @property
    def class_names(self):
        """Names of the classes 0, 1, ..., as far as any file has them."""
        for names in (self.classes.get("names"), part(self.metrics, "data").get("classes"),
                      self.snapshots and self.snapshots.names):
            if isinstance(names, list) and names:
                return [plain(name) for name in names]
        return []

    def class_name(self, label):
        names = self.class_names
        return names[label] if 0 <= label < len(names) else str(label)


def part(value, key):
    """A value that is an object; an empty one for anything else."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def plain(text):
    """Text without the characters that neither HTML nor SVG can hold."""
    return re.sub(r"[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", str(text))


def read_json(path):
    """The object in a file, or None without the file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReportError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError, too
        raise ReportError(f"{path}: broken JSON ({error})") from error
    if not isinstance(value, dict):
        raise ReportError(f"{path}: needed is a JSON object, this is a {type(value).__name__}")
    return value


def read_npy(path, dimensions):
    try:
        with open(path, "rb") as file:
            array = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (MemoryError, OverflowError) as error:  # a damaged header may ask for any size
        raise ReportError(f"{path}: the array that its header announces does not fit into memory "
                          f"({error})") from error
    except Exception as error:  # NumPy lets through what its parsers of headers and archives raise
        raise ReportError(f"{path}: broken NumPy file ({' '.join(str(error).split())})") from error
    if not isinstance(array, np.ndarray) or array.ndim != dimensions or array.dtype.kind not in "fiu":
        raise ReportError(f"{path}: needed is an array of numbers with {dimensions} dimensions")
    return array


def read_features(folder, name):
    """The features and labels `name` (test, unseen); None where one of them is missing."""
    values_path = folder / "features" / f"{name}_features.npy"
    values = read_npy(values_path, 2)
    labels = read_npy(folder / "features" / f"{name}_labels.npy", 1)
    if values is None or labels is None:
        return None
    if len(values) != len(labels):
        raise ReportError(f"{values_path}: {len(values)} rows, but there are {len(labels)} labels")
    if values.shape[1] == 0:
        raise ReportError(f"{values_path}: {len(values)} rows without features")
    return Features(values.astype(float), labels.astype(int))


def read_rows(reader):
    """The labels and features of lines that are all as long as the head of the table."""
    columns = len(next(reader, []))
    if columns < 2:
        raise ValueError("it has no columns of features")
    largest = np.iinfo(int).max
    labels, values = [], []
    for row in reader:
        if len(row) != columns:
            raise ValueError(f"line {reader.line_num} has {len(row)} columns instead of {columns}")
        try:
            labels.append(int(row[0]))
            values.append([float(x) for x in row[1:]])
        except ValueError as error:
            raise ValueError(f"line {reader.line_num}: {error}") from error
        if abs(labels[-1]) > largest:
            raise ValueError(f"line {reader.line_num}: the label {labels[-1]} is too large")
    if not values:
        raise ValueError("it has no rows of features")
    return np.array(labels, dtype=int), np.array(values, dtype=float)


def read_csv(path):
    """features.csv, which runs leave also where there is no folder of features."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            labels, values = read_rows(csv.reader(file))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReportError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, csv.Error) as error:
        raise ReportError(f"{path}: not a table of a label and features a line ({error})") from error
    return Features(values, labels)


def read_snapshots(path):
    content = read_json(path)
    if content is None:
        return None
    try:
        labels = np.array([int(label) for label in content["labels"]], dtype=int)
        features = [np.array([[np.nan if x is None else float(x) for x in point] for point in moment],
                             dtype=float).reshape(-1, 2) for moment in content["features"]]
        steps = [int(step) for step in content["steps"]]
        epochs = [float(epoch) for epoch in content["epochs"]]
        names = [plain(name) for name in content["names"]]
        if not steps or not len(steps) == len(epochs) == len(features):
            raise ValueError(f"{len(steps)} steps, {len(epochs)} epochs and features of {len(features)}")
        if any(len(moment) != len(labels) for moment in features):
            raise ValueError(f"there are {len(labels)} labels, but not as many points at each step")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ReportError(f"{path}: not what ldmat-train writes ({reason})") from error
    return Snapshots(labels, names, steps, epochs, features)


def read_run(folder, name):
    run = Run(folder, plain(name))

    def lacks(file, what):
        run.missing.append((file, what))

    run.metrics = read_json(folder / "metrics.json") or {}
    if not run.metrics:
        lacks("metrics.json", "options, curves and ldmat-train's own figures; "
                              "it is written when a run ends")
    run.evaluation = read_json(folder / "evaluation.json") or {}
    if not run.evaluation:
        lacks("evaluation.json", "the classifiers, the geometry and the retrieval; ldmat-eval writes it")
    run.classes = read_json(folder / "features" / "classes.json") or {}
    run.snapshots = read_snapshots(folder / "snapshots.json")
    run.test = read_features(folder, "test")
    run.unseen = read_features(folder, "unseen")
    if run.test is None:
        run.test = read_csv(folder / "features.csv")
        lacks("features/test_features.npy", "the test images' features" + (
            "; features.csv was read instead" if run.test else ", and there is no features.csv either"))
    dimensions = run.test.values.shape[1] if run.test else run.options.get("dim")
    if run.snapshots is None and dimensions in (2, None):
        lacks("snapshots.json", "the pictures through the training")
    return run


def read_runs(folder):
    """The run in a folder, or all in its folders, in the order of their names."""
    if not folder.is_dir():
        raise ReportError(f"{folder}: no such folder; name the one given to ldmat-train --out")
    if any((folder / sign).exists() for sign in SIGNS):
        return [read_run(folder, folder.resolve().name)]
    found = []
    for path, folders, files in os.walk(folder):
        below = Path(path).relative_to(folder)
        if any(sign in files or sign in folders for sign in SIGNS):
            found.append(below)
            folders.clear()
        elif len(below.parts) >= DEEPEST:
            folders.clear()
    if not found:
        raise ReportError(f"{folder}: neither a run of ldmat-train (there is no metrics.json) nor a "
                          "folder of runs")
    found.sort(key=lambda path: [(int(word), "") if word.isdecimal() else (-1, word)
                                 for word in re.split(r"(\d+)", str(path))])
    return [read_run(folder / path, str(path)) for path in found]
