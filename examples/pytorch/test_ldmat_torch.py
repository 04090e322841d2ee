"""Tests of the package: python test_ldmat_torch.py. What PyTorch 1.13 lacks is skipped there."""

import copy
import io
import pathlib
import unittest

import torch
from torch.autograd import gradcheck, gradgradcheck

import ldmat_torch
from ldmat_torch import LDMATLoss, adaptive, band, huber, offset, one_sided, shrink, squared

VERSION = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])


def batch(n=24, d=5, seed=1, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n, d, generator=generator, dtype=torch.float64).to(dtype)
    return features.requires_grad_(), torch.arange(n) % 4


def plain(features, labels):
    """Plain LDMAT in PyTorch's own operations."""
    i, j = torch.triu_indices(len(labels), len(labels), 1)
    distances = (features[i] - features[j]).norm(dim=1)
    return (distances - (labels[i] != labels[j]).to(distances.dtype)).pow(2).mean()


def reference(features, labels, class_distance=1.0, class_table=None, metric="euclidean",
              penalty=squared(), regularizer=(1.0, 0.0, 0.0, 0.0, 0.9), class_balanced=None,
              weight_table=None, reduction="mean"):
    """The loss by PyTorch's own operations, setting by setting; nothing of the package computes it."""
    i, j = torch.triu_indices(len(labels), len(labels), 1)
    same = labels[i] == labels[j]
    difference = features[i] - features[j]
    distance = {
        "euclidean": lambda: difference.pow(2).sum(1).sqrt(),
        "squared_euclidean": lambda: difference.pow(2).sum(1),
        "cosine": lambda: 1 - torch.nn.functional.cosine_similarity(features[i], features[j]),
        "manhattan": lambda: difference.abs().sum(1),
    }[metric]()
    target = torch.where(same, 0.0, float(class_distance)).double()
    if class_table is not None:
        target = torch.as_tensor(class_table).double()[labels[i], labels[j]]
    keep, offset_by, toward_mean = regularizer[:3]
    target = keep * target + toward_mean * target.mean() + offset_by
    name, is_one_sided, (first, second) = penalty
    r = distance - target
    cost = {
        "squared": lambda: r.pow(2),
        "absolute": lambda: r.abs(),
        "huber": lambda: torch.where(r.abs() > first, first * (2 * r.abs() - first), r.pow(2)),
        "band": lambda: (r.abs() - torch.where(same, first, second)).clamp(min=0).pow(2),
    }[name]()
    if is_one_sided:
        cost = torch.where(torch.where(same, r, -r) < 0, torch.zeros_like(cost), cost)
    weight = torch.ones_like(cost)
    if class_balanced is not None:
        weight = torch.where(same, class_balanced * len(r) / same.sum(),
                             (1 - class_balanced) * len(r) / (~same).sum()).to(cost.dtype)
    if weight_table is not None:
        weight = torch.as_tensor(weight_table).double()[labels[i], labels[j]]
    total = (weight * cost).sum()
    return {"mean": lambda: total / len(r), "sum": lambda: total,
            "weighted_mean": lambda: total / weight.sum(),
            "frobenius": lambda: (2 * total).sqrt()}[reduction]()


LOSSES = {
    "plain": dict(),
    "offset": dict(regularizer=offset(0.2), class_distance=0.7),
    "shrink, sum": dict(regularizer=shrink(0.3), reduction="sum"),
    "preset": dict(penalty=one_sided(huber(0.2))),
    "band, balanced": dict(penalty=band(0.1, 0.2), class_balanced=0.4),
    "squared distances": dict(metric="squared_euclidean", reduction="weighted_mean"),
    "cosine, frobenius": dict(metric="cosine", reduction="frobenius"),
    "manhattan, absolute": dict(metric="manhattan", penalty=ldmat_torch.absolute()),
    "huber": dict(penalty=huber(0.4), regularizer=[0.8, 0.1, 0.2, 0.0, 0.9]),
    "one-sided absolute": dict(penalty=one_sided(ldmat_torch.absolute()), class_balanced=0.5),
    "tables": dict(class_table=1.0 - torch.eye(4), weight_table=torch.ones(4, 4) + torch.eye(4)),
}


class Gradients(unittest.TestCase):
    def test_value_and_gradient_are_those_of_pytorchs_operations(self):
        features, labels = batch()
        value = LDMATLoss()(features, labels)
        expected = plain(features, labels)
        torch.testing.assert_close(value, expected)
        gradients = [torch.autograd.grad(v, features)[0] for v in (value, expected)]
        torch.testing.assert_close(*gradients)

    def test_every_setting_has_the_value_that_it_says(self):
        values = set()
        for name, settings in LOSSES.items():
            with self.subTest(name):
                features, labels = batch()
                value = LDMATLoss(**settings)(features, labels)
                expected = reference(features, labels, **settings)
                torch.testing.assert_close(value, expected)
                gradients = [torch.autograd.grad(v, features)[0] for v in (value, expected)]
                torch.testing.assert_close(*gradients)
                values.add(round(value.item(), 9))
        self.assertEqual(len(values), len(LOSSES))  # none of them does nothing

    def test_class_balanced_is_a_share_or_yes_or_no(self):
        features, labels = batch()

        def value(**settings):
            return LDMATLoss(**settings)(features, labels).item()

        self.assertEqual(value(class_balanced=True), value(class_balanced=0.5))
        self.assertEqual(value(class_balanced=False), value())
        for bad in (-0.3, 1.5, float("nan")):
            with self.assertRaisesRegex(ValueError, "class_balanced"):
                LDMATLoss(class_balanced=bad)
        with self.assertRaisesRegex(ValueError, "weight_table"):
            LDMATLoss(class_balanced=0.5, weight_table=torch.ones(4, 4))

    def test_half_modules_keep_their_running_distances(self):
        loss = LDMATLoss(num_classes=4, regularizer=adaptive(0.5)).half()
        self.assertEqual(loss.running_distance.dtype, torch.float64)

    def test_gradcheck(self):
        for name, settings in LOSSES.items():
            with self.subTest(name):
                loss = LDMATLoss(**settings)
                features, labels = batch()
                self.assertTrue(gradcheck(lambda x: loss(x, labels), features))

    def test_gradcheck_label_vectors_and_strides(self):
        features, labels = batch()
        vectors = torch.randn(24, 3, generator=torch.Generator().manual_seed(2))
        self.assertTrue(gradcheck(lambda x: LDMATLoss()(x, vectors), features))
        strided = lambda x: LDMATLoss()(x.t().contiguous().t()[::2, 1:], labels[::2])
        self.assertTrue(gradcheck(strided, features))

    def test_second_derivative_is_refused(self):
        features, labels = batch()
        with self.assertRaisesRegex(RuntimeError, "cannot be differentiated twice"):
            gradgradcheck(lambda x: LDMATLoss()(x, labels), features)

    def test_types(self):
        features, labels = batch()
        expected = LDMATLoss()(features, labels)
        for dtype, tolerance in ((torch.float32, 1e-6), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)):
            x = features.detach().to(dtype).requires_grad_()
            value = LDMATLoss()(x, labels.to(torch.int32))
            self.assertEqual(value.dtype, torch.float32)
            self.assertLess(abs(value.item() - expected.item()), tolerance)
            value.backward()
            self.assertEqual(x.grad.dtype, dtype)

    def test_bad_input_is_refused_by_name(self):
        features, labels = batch()
        lopsided = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
        for message, settings, x, y in (
            ("labels has 23 entries, but features has 24 rows", {}, features, labels[1:]),
            ("features is of Int", {}, features.int(), labels),
            ("metric is 'euclid', but must be one of", {"metric": "euclid"}, features, labels),
            ("strength of shrink", {"regularizer": shrink(2)}, features, labels),
            ("symmetric", {"class_table": lopsided}, features, labels),
        ):
            with self.subTest(message), self.assertRaisesRegex((RuntimeError, ValueError), message):
                LDMATLoss(**settings)(x, y)


class Module(unittest.TestCase):
    def test_running_distances_are_state(self):
        loss = LDMATLoss(num_classes=4, regularizer=adaptive(0.5))
        features, labels = batch()
        with torch.no_grad():
            loss(features, labels)
        self.assertEqual(loss.running_batches.sum(), 0)
        first = loss(features, labels)
        self.assertEqual(loss.running_batches[0, 1], 1)
        self.assertGreater(loss.running_distance[0, 1], 0)
        second = loss(features, labels)
        self.assertNotEqual(first.item(), second.item())
        saved = io.BytesIO()
        torch.save(loss.state_dict(), saved)
        saved.seek(0)
        other = LDMATLoss(num_classes=4, regularizer=adaptive(0.5))
        other.load_state_dict(torch.load(saved))
        self.assertEqual(other.eval()(features, labels), loss.eval()(features, labels))
        loss(features, labels)
        self.assertEqual(loss.running_batches[0, 1], 2)  # not changed by evaluation

    def test_trains_and_copies(self):
        features, labels = batch(64, 3)
        loss = copy.deepcopy(LDMATLoss.recommended())
        optimizer = torch.optim.Adam([features], lr=0.05)
        before = loss(features, labels).item()
        for _ in range(100):
            optimizer.zero_grad()
            loss(features, labels).backward()
            optimizer.step()
        self.assertLess(loss(features, labels).item(), before / 10)

    def test_numpy_arrays_without_a_copy(self):
        import numpy

        array = numpy.random.default_rng(1).normal(size=(24, 5))
        features = torch.from_numpy(array).requires_grad_()
        self.assertEqual(features.data_ptr(), array.ctypes.data)
        LDMATLoss()(features, torch.from_numpy(numpy.arange(24) % 4)).backward()
        gradient = features.grad.numpy()
        self.assertEqual(gradient.shape, (24, 5))

    @unittest.skipUnless(pathlib.Path("/proc/self/maps").exists(), "no /proc/self/maps here")
    def test_one_openmp_runtime(self):
        maps = pathlib.Path("/proc/self/maps").read_text().split("\n")
        runtimes = {line.split()[-1] for line in maps if "libgomp" in line or "libomp" in line}
        self.assertEqual(len(runtimes), 1, runtimes)


@unittest.skipIf(VERSION < (2, 4), f"PyTorch {torch.__version__} has no opcheck and no register_fake")
class Compilation(unittest.TestCase):
    def arguments(self, regularizer=(1.0, 0.0, 0.0, 0.0, 0.9), k=0, with_gradient=True):
        features, labels = batch(dtype=torch.float32)
        empty = torch.zeros(0, 0, dtype=torch.float64)
        return (features, labels, empty, empty, torch.zeros(k, k, dtype=torch.float64),
                torch.zeros(k, k, dtype=torch.int64), "euclidean", "squared", False, [0.0, 0.0], 1.0,
                k, list(regularizer), -1.0, "mean", False, 0, with_gradient)

    def test_opcheck(self):
        for name, arguments in {
            "plain": self.arguments(),
            "adaptive": self.arguments((0.5, 0.0, 0.0, 0.5, 0.9), 4),
        }.items():
            with self.subTest(name):
                results = torch.library.opcheck(torch.ops.ldmat.pair_loss.default, arguments)
                self.assertEqual(set(results.values()), {"SUCCESS"})
                print(f"opcheck, {name}: {results}")

    def test_compile_without_graph_breaks(self):
        network = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
        for name, loss in {
            "preset": LDMATLoss.recommended(),
            "adaptive": LDMATLoss(num_classes=4, regularizer=adaptive(0.5)),
        }.items():
            with self.subTest(name):
                features, labels = batch(dtype=torch.float32)
                eager, compiled_loss = copy.deepcopy(loss), copy.deepcopy(loss)
                step = torch.compile(lambda x, y: compiled_loss(network(x), y), fullgraph=True)
                for _ in range(2):
                    expected = torch.autograd.grad(eager(network(features), labels), features)[0]
                    torch.testing.assert_close(
                        torch.autograd.grad(step(features, labels), features)[0], expected)
                torch.testing.assert_close(compiled_loss.state_dict(), eager.state_dict())


if __name__ == "__main__":
    print(f"PyTorch {torch.__version__}")
    unittest.main(verbosity=2)
