#!/usr/bin/env python3
"""Seconds per epoch of the example's networks: examples/train/net against PyTorch on the CPU.

    python compare.py path/to/train_epoch [--network resnet] [--threads 1 2] [--repeats 5]

Both sides have the same layers, batches, optimiser, softmax head and threads, and take turns, so
that a disturbance of the machine meets both. The medians are printed as a Markdown table.
"""

import argparse
import os
import statistics
import subprocess
import time

import torch
from torch import nn


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 5, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Flatten(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 2),
        nn.Linear(2, 10))  # the head


def conv(channels, out, kernel=3, stride=1):
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out))


class Residual(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.main = nn.Sequential(conv(channels, out, stride=stride), nn.ReLU(inplace=True),
                                  conv(out, out))
        self.shortcut = nn.Identity() if stride == 1 else conv(channels, out, 1, stride)

    def forward(self, x):
        return torch.relu_(self.main(x) + self.shortcut(x))


def resnet():
    return nn.Sequential(
        conv(3, 16), nn.ReLU(inplace=True), Residual(16, 16, 1), Residual(16, 32, 2),
        Residual(32, 64, 2), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 64),
        nn.Linear(64, 10))  # the head


class TorchRun:
    def __init__(self, network, samples, batch, channels_last):
        torch.manual_seed(1)
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.net = {"lenet": lenet, "resnet": resnet}[network]().to(memory_format=self.format)
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9)
        shape = {"lenet": (1, 28, 28), "resnet": (3, 32, 32)}[network]
        self.images = torch.randint(0, 256, (samples, *shape), dtype=torch.uint8)
        self.labels = torch.randint(0, 10, (samples,))
        self.batch = batch

    def epoch(self, threads):
        torch.set_num_threads(threads)
        start = time.perf_counter()
        loss = 0.0
        for images, labels in zip(self.images.split(self.batch), self.labels.split(self.batch)):
            x = images.to(torch.float32, memory_format=self.format) / 255
            value = nn.functional.cross_entropy(self.net(x), labels)
            self.sgd.zero_grad()
            value.backward()
            self.sgd.step()
            loss += value.item()
        return time.perf_counter() - start


def cpp_epoch(program, network, samples, batch, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    out = subprocess.run([program, network, "1", str(samples), str(batch)], env=environment, check=True,
                         capture_output=True, text=True).stdout
    return float(out.split()[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="the built train_epoch")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--network", choices=["lenet", "resnet"], default="lenet")
    parser.add_argument("--samples", type=int, help="default: 60000 for lenet, 10000 for resnet")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--channels-last", action="store_true", help="PyTorch's other layout")
    args = parser.parse_args()

    args.samples = args.samples or {"lenet": 60000, "resnet": 10000}[args.network]

    run = TorchRun(args.network, args.samples, args.batch, args.channels_last)
    run.epoch(args.threads[0])  # warm-up
    print(f"PyTorch {torch.__version__}, {args.network}, {args.samples} samples, batch {args.batch}, "
          f"{args.repeats} interleaved repeats\n")
    print("| threads | ldmat, s | PyTorch, s | ratio of medians | pairwise ratios |")
    print("|---:|---:|---:|---:|---|")
    for threads in args.threads:
        ours, theirs = [], []
        for _ in range(args.repeats):
            ours.append(cpp_epoch(args.program, args.network, args.samples, args.batch, threads))
            theirs.append(run.epoch(threads))
        a, b = statistics.median(ours), statistics.median(theirs)
        pairs = " ".join(f"{x / y:.2f}" for x, y in zip(ours, theirs))
        print(f"| {threads} | {a:.2f} | {b:.2f} | {a / b:.2f} | {pairs} |", flush=True)


if __name__ == "__main__":
    main()
