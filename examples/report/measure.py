"""What the report itself computes of features: a projection, and distances between classes."""

import numpy as np


def projection(values):
    """The first two principal components of (n, d) features with d > 2, and the share of the variance
    that they have. The sign of each is such that its largest weight is positive."""
    centred = values - values.mean(axis=0)
    _, scales, axes = np.linalg.svd(centred.T @ centred / len(centred), hermitian=True)
    axes = axes[:2]
    signs = np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])
    signs[signs == 0] = 1
    total = scales.sum()
    return centred @ (axes * signs[:, None]).T, scales[:2].sum() / total if total > 0 else 0.0


def distances(a, b, metric):
    """Between the rows of (m, d) and (n, d), as ldmat-train's --metric names it: (m, n)."""
    if metric == "manhattan":
        return np.stack([np.abs(b - row).sum(axis=1) for row in a])
    if metric == "cosine":
        def unit(rows):
            return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
        return np.maximum(0, 1 - unit(a) @ unit(b).T)
    square = np.stack([((b - row) ** 2).sum(axis=1) for row in a])
    return square if metric == "squared-euclidean" else np.sqrt(square)


def class_distances(values, labels, metric):
    """The classes there are, and between their centres the distances; on the diagonal the mean distance
    of a class's samples from its centre."""
    classes = np.unique(labels)
    centres = np.stack([values[labels == label].mean(axis=0) for label in classes])
    table = distances(centres, centres, metric)
    for i, label in enumerate(classes):
        table[i, i] = distances(centres[i:i + 1], values[labels == label], metric).mean()
    return classes, table


def nearest_pairs(table, count):
    """Pairs (distance, i, j) of different classes, the nearest first."""
    rows, columns = np.triu_indices(len(table), 1)
    order = np.argsort(table[rows, columns], kind="stable")[:count]
    return [(table[rows[k], columns[k]], rows[k], columns[k]) for k in order]
