"""LDMATLoss beside pytorch-metric-learning's ContrastiveLoss, in that library's own trainer, on the
digits of examples/train/digits: the same network, seeds, batches, optimizer and number of epochs.

    sh cmake/run.sh pytorch        # installs all that this needs, and runs it
"""

import argparse
import gzip
import logging
import os
import pathlib
import statistics
import time
import warnings

os.environ.setdefault("TQDM_DISABLE", "1")  # the trainer's progress bars

import numpy
import pytorch_metric_learning
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import ContrastiveLoss
from pytorch_metric_learning.trainers import MetricLossOnly
from torch import nn

import ldmat_torch

warnings.filterwarnings("ignore", message="Converting a tensor with requires_grad")  # the trainer's
logging.getLogger("PML").setLevel(logging.ERROR)

DIGITS = pathlib.Path(__file__).resolve().parent.parent / "train" / "digits"


class Ldmat(ldmat_torch.LDMATLoss):
    """The trainer gives what a miner chose, here None, as a third argument."""

    def forward(self, embeddings, labels, indices_tuple=None):
        return super().forward(embeddings, labels)


LOSSES = {
    "ContrastiveLoss(): unit vectors": ContrastiveLoss,
    "ContrastiveLoss, Euclidean": lambda: ContrastiveLoss(
        distance=LpDistance(normalize_embeddings=False)),
    "LDMATLoss()": Ldmat,
    "LDMATLoss, one-sided absolute, balanced": lambda: Ldmat(
        penalty=ldmat_torch.one_sided(ldmat_torch.absolute()), class_balanced=0.5),
    "LDMATLoss.recommended()": Ldmat.recommended,
}


def read_digits(part):
    def read(kind, header):
        packed = gzip.open(DIGITS / f"{part}-{kind}-ubyte.gz")
        return numpy.frombuffer(packed.read(), "u1", offset=header)

    images = torch.from_numpy(read("images-idx3", 16).reshape(-1, 1, 28, 28).copy()).float()
    return (images / 255 - 0.13) / 0.31, torch.from_numpy(read("labels-idx1", 8).copy()).long()


def network(dimensions):
    return nn.Sequential(nn.Conv2d(1, 16, 5, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 5, stride=2),
                         nn.ReLU(), nn.Flatten(), nn.Linear(32 * 4 * 4, 64), nn.ReLU(),
                         nn.Linear(64, dimensions))


def accuracies(gallery, gallery_labels, queries, labels):
    centres = torch.stack([gallery[gallery_labels == c].mean(0) for c in range(10)])
    by_centre = torch.cdist(queries, centres).argmin(1)
    nearest = torch.cdist(queries, gallery).topk(5, largest=False).indices
    by_votes = gallery_labels[nearest].mode(1).values
    return [100 * (guess == labels).float().mean().item() for guess in (by_centre, by_votes)]


def train(make_loss, dimensions, seed, epochs, data):
    (images, labels), (test_images, test_labels) = data
    torch.manual_seed(seed)
    trunk = network(dimensions)
    trainer = MetricLossOnly(
        models={"trunk": trunk}, loss_funcs={"metric_loss": make_loss()}, batch_size=128,
        optimizers={"trunk_optimizer": torch.optim.Adam(trunk.parameters(), lr=3e-3)},
        dataset=torch.utils.data.TensorDataset(images, labels), dataloader_num_workers=0,
        data_device=torch.device("cpu"))
    trainer.train(num_epochs=epochs)
    trunk.eval()
    with torch.no_grad():
        gallery, queries = trunk(images), trunk(test_images)
        distance = getattr(trainer.loss_funcs["metric_loss"], "distance", None)
        if distance is not None and distance.normalize_embeddings:
            gallery, queries = (nn.functional.normalize(x) for x in (gallery, queries))
    return accuracies(gallery, labels, queries, test_labels)


def milliseconds(make_loss, n, d, seconds=0.5):
    """Shortest time of value and gradient of one batch: others may be using the machine."""
    torch.manual_seed(0)
    loss = make_loss()
    features = (torch.randn(n, d) / (2 * d) ** 0.5).requires_grad_()
    labels = torch.arange(n) % 10
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        loss(features, labels).backward()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3, help="0: only times, no training")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[2, 32])
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"PyTorch {torch.__version__}, "
          f"pytorch-metric-learning {pytorch_metric_learning.__version__}, "
          f"{arguments.threads} thread(s)\n")
    if arguments.seeds > 0:
        print_accuracies(arguments)
    print_times()


def print_accuracies(arguments):
    data = read_digits("train"), read_digits("t10k")
    print(f"{arguments.epochs} epochs, means (and range) of {arguments.seeds} seed(s):\n")
    print("| loss | features | nearest centroid, % | 5-NN, % |\n|---|---:|---:|---:|")
    for dimensions in arguments.dimensions:
        for name, make_loss in LOSSES.items():
            runs = [train(make_loss, dimensions, seed, arguments.epochs, data)
                    for seed in range(1, arguments.seeds + 1)]
            columns = [f"{statistics.mean(c):.1f} ({min(c):.1f} to {max(c):.1f})"
                       for c in zip(*runs)]
            print(f"| {name} | {dimensions} | " + " | ".join(columns) + " |", flush=True)
    print()


def print_times():
    shapes = [(128, 2), (128, 128), (1024, 128)]
    print("Shortest times:\n")
    print("| value and gradient, ms | " + " | ".join(f"{n} x {d}" for n, d in shapes) + " |")
    print("|---|" + "---:|" * len(shapes))
    for name, make_loss in LOSSES.items():
        times = [f"{milliseconds(make_loss, n, d):.3g}" for n, d in shapes]
        print(f"| {name} | " + " | ".join(times) + " |", flush=True)


if __name__ == "__main__":
    main()
