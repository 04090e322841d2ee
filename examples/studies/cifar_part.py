#!/usr/bin/env python3
"""Draws a part of CIFAR-10 or CIFAR-100, as small as that of docs/results.md, from the whole archive.

    python3 examples/studies/cifar_part.py DIR/cifar-10-binary.tar.gz OTHER_DIR
    python3 examples/studies/cifar_part.py DIR/cifar-100-binary.tar.gz OTHER_DIR

leaves OTHER_DIR/cifar-10-binary-subset.tar.gz (2,000 training and 500 test images of each class, drawn by
--seed) or cifar-100-binary-subset.tar.gz (200 and 50), which `ldmat-train --data OTHER_DIR` reads. The draw of
docs/results.md was another one, so that figures differ as they do between any two samples.
"""

import argparse
import io
import os
import random
import sys
import tarfile
from pathlib import Path

PIXELS = 3072
# Bytes of labels before the pixels, which of them is the class, classes, images of each to keep of the
# training and the test files.
KINDS = {"cifar-10-binary": (1, 0, 10, 2000, 500), "cifar-100-binary": (2, 1, 100, 200, 50)}


def records(content, name, labels):
    size = labels + PIXELS
    if not content or len(content) % size:
        raise ValueError(f"{name} holds {len(content)} bytes, not images of {size}")
    return [content[at:at + size] for at in range(0, len(content), size)]


def drawn(images, place, classes, each, source, name):
    """`each` images of every class, shuffled."""
    by_class = {}
    for image in source.sample(images, len(images)):
        by_class.setdefault(image[place], []).append(image)
    for label in range(classes):
        if len(by_class.get(label, ())) < each:
            raise ValueError(f"{name} has {len(by_class.get(label, ()))} images of class {label}, wanted are "
                             f"{each}")
    kept = [image for label in range(classes) for image in by_class[label][:each]]
    source.shuffle(kept)
    return b"".join(kept)


def part(archive, folder, seed):
    """Writes the part of `archive` into `folder` and returns its path."""
    stem = Path(archive).name.removesuffix(".tar.gz")
    if stem not in KINDS:
        raise ValueError(f"{archive}: not one of {', '.join(f'{kind}.tar.gz' for kind in KINDS)}")
    labels, place, classes, train_each, test_each = KINDS[stem]
    train, test, texts, root = [], [], {}, None
    with tarfile.open(archive) as tar:
        for member in sorted((each for each in tar if each.isfile()), key=lambda each: each.name):
            path = Path(member.name)
            if path.suffix == ".bin":
                root = path.parent
                where = test if path.name.startswith("test") else train
                where += records(tar.extractfile(member).read(), path.name, labels)
            elif path.suffix == ".txt":
                texts[path.name] = tar.extractfile(member).read()
    source = random.Random(seed)
    names = ("data_batch_1.bin", "test_batch.bin") if labels == 1 else ("train.bin", "test.bin")
    files = {names[0]: drawn(train, place, classes, train_each, source, "the training part"),
             names[1]: drawn(test, place, classes, test_each, source, "the test part"), **texts}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-subset.tar.gz"
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with tarfile.open(temporary, "w:gz", compresslevel=1) as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(str(root / name))
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(words)
    try:
        print(part(arguments.archive, arguments.folder, arguments.seed))
    except (OSError, ValueError, tarfile.TarError) as error:
        print(f"cifar_part.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
