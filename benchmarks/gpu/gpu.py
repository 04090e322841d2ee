#!/usr/bin/env python3
"""Times of the loss on a GPU beside PyTorch on the same GPU, in one table.

    python3 benchmarks/gpu/gpu.py build/gpu/benchmarks/gpu/gpu_bench [--json FILE]

Needs a GPU and, for the comparison, a PyTorch with CUDA; without one only ldmat's columns are filled.
Errors are against PyTorch in double on the same data, up to 8,192 samples.
"""

import argparse
import json
import statistics
import subprocess
import sys

SHAPES = [(256, 2), (1024, 2), (4096, 2), (16384, 2), (32768, 2), (1024, 16), (4096, 16),
          (256, 128), (1024, 128), (4096, 128), (8192, 128), (16384, 128), (4096, 512),
          (16384, 512), (32768, 512)]


def features(torch, n, d):
    """The same numbers as gpu.cu's: a linear congruential generator, row by row."""
    a, c, m = 1664525, 1013904223, 1 << 32
    state, noise = 7, []
    import numpy
    # Jump ahead by blocks: state_k = a^k state + c (a^k - 1) / (a - 1), all modulo 2^32.
    block = 1 << 16
    powers, sums = numpy.empty(block, numpy.uint64), numpy.empty(block, numpy.uint64)
    p, s = 1, 0
    for k in range(block):
        p, s = p * a % m, (s * a + c) % m
        powers[k], sums[k] = p, s
    for _ in range(0, n * d, block):
        states = (powers * numpy.uint64(state) + sums) % numpy.uint64(m)
        noise.append(states)
        state = int(states[-1])
    noise = numpy.concatenate(noise)[:n * d].reshape(n, d)
    i, k = numpy.arange(n)[:, None], numpy.arange(d)[None, :]
    centres = ((i % 10 * 31 + k * 17) % 10).astype(numpy.float32) / numpy.float32(10)
    x = centres + (noise >> numpy.uint64(8)).astype(numpy.float32) / numpy.float32(1 << 24)
    return torch.tensor(x, device="cuda"), torch.arange(n, device="cuda") % 10


def loss_by_cdist(torch):
    def loss(x, y):
        target = (y[:, None] != y[None, :]).to(x.dtype)
        n = x.shape[0]
        return ((torch.cdist(x, x) - target) ** 2).sum() / (n * (n - 1))
    return loss


def loss_by_gram(torch):
    def loss(x, y):
        norms = (x * x).sum(1)
        squares = norms[:, None] + norms[None, :] - 2 * x @ x.T
        n = x.shape[0]
        off = ~torch.eye(n, dtype=torch.bool, device=x.device)
        distances = torch.where(off, squares.clamp_min(1e-12), torch.ones_like(squares)).sqrt()
        target = (y[:, None] != y[None, :]).to(x.dtype)
        return torch.where(off, (distances - target) ** 2, torch.zeros_like(squares)).sum() / (n * (n - 1))
    return loss


def time_ms(torch, loss, x, y):
    def step():
        x.grad = None
        loss(x, y).backward()
    try:
        for _ in range(5):
            step()
        times = []
        for _ in range(15):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            step()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end))
        return statistics.median(times)
    except torch.cuda.OutOfMemoryError:
        return None
    finally:
        torch.cuda.empty_cache()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    words = [str(number) for shape in SHAPES for number in shape]
    lines = subprocess.run([arguments.program, *words], check=True, capture_output=True, text=True).stdout
    limits, *rows = (json.loads(line) for line in lines.splitlines())
    try:
        import torch
        if not torch.cuda.is_available():
            raise ImportError("this PyTorch has no CUDA")
    except ImportError as error:
        torch = None
        print(f"no PyTorch on the GPU ({error}): its columns stay empty", file=sys.stderr)
    for row in rows:
        if torch is None:
            continue
        x, y = features(torch, row["n"], row["d"])
        x.requires_grad_()
        eager = [time_ms(torch, loss(torch), x, y) for loss in (loss_by_cdist, loss_by_gram)]
        row["eager_ms"] = min((t for t in eager if t is not None), default=None)
        compiled = [time_ms(torch, torch.compile(loss(torch)), x, y)
                    for loss in (loss_by_cdist, loss_by_gram)]
        row["compiled_ms"] = min((t for t in compiled if t is not None), default=None)
        if row["n"] <= 8192:
            exact = loss_by_cdist(torch)(x.detach().double(), y).item()
            row["error"] = abs(row["value"] / exact - 1)
    print(f"{limits['gpu']}: copies {limits['copy_gb_s']} GB/s, cuBLAS float product "
          f"{limits['product_tflops']} TFLOP/s" + (f", PyTorch {torch.__version__}" if torch else ""))
    print("\n| n | d | ldmat, ms | value only | TF32 | 3 n^2 d rate | of cuBLAS | eager / ldmat | "
          "compiled / ldmat | error |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for r in rows:
        def ratio(name):
            return f"{r[name] / r['ms']:.1f}" if r.get(name) else "-"
        error = f"{r['error']:.0e}" if "error" in r else "-"
        print(f"| {r['n']} | {r['d']} | {r['ms']:.4f} | {r['value_ms']:.4f} | {r['tf32_ms']:.4f} | "
              f"{r['tflops']:.2f} | {100 * r['tflops'] / limits['product_tflops']:.0f} % | "
              f"{ratio('eager_ms')} | {ratio('compiled_ms')} | {error} |")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"limits": limits, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
