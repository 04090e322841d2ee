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
import tempfile

SHAPES = [(256, 2), (1024, 2), (4096, 2), (16384, 2), (32768, 2), (1024, 16), (4096, 16),
          (256, 128), (1024, 128), (4096, 128), (8192, 128), (16384, 128), (4096, 512),
          (16384, 512), (32768, 512)]
# Of the features around the centres of their classes: samples of a class far from each other, and near.
NOISE = (1, 0.1)


def features(torch, n, d, spread):
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
    scaled = (noise >> numpy.uint64(8)).astype(numpy.float32) / numpy.float32(1 << 24)
    x = centres + numpy.float32(spread) * scaled
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
    """Median of 15, each of as many steps in a row as gpu.cu makes calls; None where it cannot be run."""
    def step():
        x.grad = None
        loss(x, y).backward()

    def timed(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(repeats):
            step()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / repeats

    try:
        one = [timed(1) for _ in range(5)][-1]
        repeats = max(1, min(200, int(5 / max(one, 1e-3))))
        return statistics.median(timed(repeats) for _ in range(15))
    except Exception as error:  # out of memory, no compiler for torch.compile: the column stays empty
        print(f"{tuple(x.shape)}: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr)
        return None
    finally:
        torch.cuda.empty_cache()


def fastest(times):
    return min((t for t in times if t is not None), default=None)


def compare(torch, row, gradient_file):
    """Times of PyTorch, and errors against its double."""
    x, y = features(torch, row["n"], row["d"], row["noise"])
    x.requires_grad_()
    row["eager_ms"] = fastest([time_ms(torch, make(torch), x, y) for make in (loss_by_cdist, loss_by_gram)])
    compiled = []
    for make in (loss_by_cdist, loss_by_gram):
        torch._dynamo.reset()  # else later shapes get a kernel for any shape, or none
        compiled.append(time_ms(torch, torch.compile(make(torch), dynamic=False), x, y))
    row["compiled_ms"] = fastest(compiled)
    if row["n"] <= 8192:
        exact = x.detach().double().requires_grad_()
        value = loss_by_cdist(torch)(exact, y)
        value.backward()
        row["value_error"] = abs(row["value"] / value.item() - 1)
        row["tf32_error"] = abs(row["tf32_value"] / value.item() - 1)
        import numpy
        own = torch.tensor(numpy.fromfile(gradient_file, numpy.float32)).reshape(x.shape).cuda().double()
        row["gradient_error"] = ((own - exact.grad).norm() / exact.grad.norm()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--json")
    arguments = parser.parse_args()

    def run(*words):
        lines = subprocess.run([arguments.program, *map(str, words)], check=True,
                               stdout=subprocess.PIPE, text=True).stdout
        return json.loads(lines)

    try:
        import torch
        if not torch.cuda.is_available():
            raise ImportError("this PyTorch has no CUDA")
    except ImportError as error:
        torch = None
        print(f"no PyTorch on the GPU ({error}): its columns stay empty", file=sys.stderr)
    limits = run("limits")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for noise in NOISE:
            for n, d in SHAPES:
                row = run(n, d, noise, folder)
                if torch is not None:
                    compare(torch, row, f"{folder}/gradient")
                rows.append(row)
    print(f"{limits['gpu']}: copies {limits['copy_gb_s']} GB/s, cuBLAS float product "
          f"{limits['product_tflops']} TFLOP/s" + (f", PyTorch {torch.__version__}" if torch else ""))
    print("\nRate: 3 n^2 d operations. Bandwidth: features read and gradient written once.\n")
    print("| n | d | noise | ldmat, ms | value only | TF32 | TFLOP/s | of cuBLAS | GB/s | of copies | "
          "eager / ldmat | compiled / ldmat | value error | gradient error | TF32 value error |")
    print("|" + "---:|" * 15)
    for r in rows:
        def ratio(name):
            return f"{r[name] / r['ms']:.1f}" if r.get(name) else "-"

        def error(name):
            return f"{r[name]:.0e}" if name in r else "-"
        print(f"| {r['n']} | {r['d']} | {r['noise']} | {r['ms']:.4f} | {r['value_ms']:.4f} | "
              f"{r['tf32_ms']:.4f} | {r['tflops']:.2f} | "
              f"{100 * r['tflops'] / limits['product_tflops']:.0f} % | {r['gb_s']:.1f} | "
              f"{100 * r['gb_s'] / limits['copy_gb_s']:.0f} % | {ratio('eager_ms')} | "
              f"{ratio('compiled_ms')} | {error('value_error')} | {error('gradient_error')} | "
              f"{error('tf32_error')} |")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"limits": limits, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
