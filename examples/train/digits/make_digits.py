#!/usr/bin/env python3
"""Chooses a small, balanced part of MNIST: 500 training and 100 test digits of each class.

Usage: make_digits.py FOLDER_WITH_MNIST [OUTPUT_FOLDER]

The digits of a class are taken at even distances through its file, so that they stem from many
writers, and keep the file's order. The output does not depend on time or machine.
"""
import gzip
import pathlib
import struct
import sys

CLASSES = 10


def read(path):
    for candidate in (path, path.with_name(path.name + ".gz")):
        if candidate.exists():
            opener = gzip.open if candidate.suffix == ".gz" else open
            with opener(candidate, "rb") as file:
                return file.read()
    sys.exit(f"{path}: not found, neither plain nor with .gz")


def write(path, data):
    with open(path, "wb") as file:
        with gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
            packed.write(data)


def choose(labels, per_class):
    chosen = []
    for label in range(CLASSES):
        of_class = [i for i, value in enumerate(labels) if value == label]
        if len(of_class) < per_class:
            sys.exit(f"class {label}: {len(of_class)} digits, {per_class} are needed")
        chosen += [of_class[k * len(of_class) // per_class] for k in range(per_class)]
    return sorted(chosen)


def make(source, target, stem, per_class):
    images = read(source / f"{stem}-images-idx3-ubyte")
    labels = read(source / f"{stem}-labels-idx1-ubyte")
    magic, count, height, width = struct.unpack(">4I", images[:16])
    label_magic, label_count = struct.unpack(">2I", labels[:8])
    size = height * width
    if (magic, label_magic) != (2051, 2049) or count != label_count:
        sys.exit(f"{source}: not the files of MNIST")
    if len(images) != 16 + count * size or len(labels) != 8 + count:
        sys.exit(f"{source}: a file is shorter or longer than its header says")
    chosen = choose(labels[8:], per_class)
    write(target / f"{stem}-images-idx3-ubyte.gz",
          struct.pack(">4I", magic, len(chosen), height, width)
          + b"".join(images[16 + i * size:16 + (i + 1) * size] for i in chosen))
    write(target / f"{stem}-labels-idx1-ubyte.gz",
          struct.pack(">2I", label_magic, len(chosen)) + bytes(labels[8 + i] for i in chosen))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else pathlib.Path(__file__).parent
    make(source, target, "train", 500)
    make(source, target, "t10k", 100)


if __name__ == "__main__":
    main()
