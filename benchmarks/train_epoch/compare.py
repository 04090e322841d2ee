#!/usr/bin/env python3
"""Seconds per epoch of the LeNet-like network: examples/train/net against PyTorch on the CPU.

    python compare.py path/to/train_epoch [--threads 1 2] [--repeats 5] [--samples 60000]

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


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 5, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Flatten(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 2),
        nn.Linear(2, 10))  # the head


class TorchRun:
    def __init__(self, samples, batch, channels_last):
        torch.manual_seed(1)
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.net = network().to(memory_format=self.format)
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9)
        self.images = torch.randint(0, 256, (samples, 1, 28, 28), dtype=torch.uint8)
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


def cpp_epoch(program, samples, batch, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    out = subprocess.run([program, "1", str(samples), str(batch)], env=environment, check=True,
                         capture_output=True, text=True).stdout
    return float(out.split()[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="the built train_epoch")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--samples", type=int, default=60000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--channels-last", action="store_true", help="PyTorch's other layout")
    args = parser.parse_args()

    run = TorchRun(args.samples, args.batch, args.channels_last)
    run.epoch(args.threads[0])  # warm-up
    print(f"PyTorch {torch.__version__}, {args.samples} samples, batch {args.batch}, "
          f"{args.repeats} interleaved repeats\n")
    print("| threads | ldmat, s | PyTorch, s | ratio of medians | pairwise ratios |")
    print("|---:|---:|---:|---:|---|")
    for threads in args.threads:
        ours, theirs = [], []
        for _ in range(args.repeats):
            ours.append(cpp_epoch(args.program, args.samples, args.batch, threads))
            theirs.append(run.epoch(threads))
        a, b = statistics.median(ours), statistics.median(theirs)
        pairs = " ".join(f"{x / y:.2f}" for x, y in zip(ours, theirs))
        print(f"| {threads} | {a:.2f} | {b:.2f} | {a / b:.2f} | {pairs} |", flush=True)


if __name__ == "__main__":
    main()
