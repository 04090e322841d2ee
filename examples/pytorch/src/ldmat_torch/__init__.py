"""The LDMAT loss of the C++ library ldmat, as a PyTorch module.

    loss = ldmat_torch.LDMATLoss(penalty=one_sided(huber(0.2)), regularizer=offset(0.1))
    loss(network(images), labels).backward()

The settings and their defaults are those of ldmat::LossOptions, and mean what docs/method.md says.
"""

import glob
import os

import torch

__all__ = [
    "LDMATLoss", "absolute", "adaptive", "band", "huber", "none", "offset", "one_sided", "shrink",
    "squared",
]

torch.ops.load_library(glob.glob(os.path.join(os.path.dirname(__file__), "_ops*.so"))[0])


def squared():
    """phi(r) = r^2."""
    return ("squared", False, [0.0, 0.0])


def absolute():
    """phi(r) = |r|."""
    return ("absolute", False, [0.0, 0.0])


def huber(threshold=1.0):
    """phi(r) = r^2 up to |r| = threshold, linear beyond."""
    return ("huber", False, [float(threshold), 0.0])


def band(same=0.0, different=0.0):
    """phi(r) = max(0, |r| - e)^2, e being `same` or `different` by the pair."""
    return ("band", False, [float(same), float(different)])


def one_sided(penalty=squared()):
    """Pairs of one class cost only above their target, other pairs only below."""
    return (penalty[0], True, penalty[2])


# Regularizers: keep, offset, toward_mean, toward_running, momentum.
def none():
    """T = L."""
    return [1.0, 0.0, 0.0, 0.0, 0.9]


def offset(strength):
    """T = L + strength."""
    return [1.0, float(strength), 0.0, 0.0, 0.9]


def shrink(strength):
    """T = (1 - strength) L + strength mean(L)."""
    return [1.0 - strength, 0.0, float(strength), 0.0, 0.9]


def adaptive(strength, momentum=0.9):
    """T = (1 - strength) L + strength C, C the running distances between classes."""
    return [1.0 - strength, 0.0, 0.0, float(strength), float(momentum)]


class LDMATLoss(torch.nn.Module):
    """How far the distances of a batch's features are from those that the labels ask for.

    Features: n x d, float32, float64, float16 or bfloat16, any strides. Labels: n class ids of any
    integer type, or n x p label vectors. Returns a tensor without dimensions: float64 for float64
    features, float32 for the others.

    class_balanced: None for equal weights, or the share of the weight that pairs of one class get, True
    being a half. Not together with weight_table.

    The gradient is computed with the value where autograd will ask for it; a second derivative is
    refused. With an adaptive regularizer the running distances are buffers, changed by batches in
    training mode whose gradient is computed. threads = 0: as many as torch.get_num_threads(), for
    batches that gain from it.
    """

    def __init__(self, class_distance=1.0, class_table=None, num_classes=0, metric="euclidean",
                 penalty=squared(), regularizer=none(), class_balanced=None, weight_table=None,
                 reduction="mean", check_finite=False, threads=0):
        super().__init__()
        empty = torch.zeros(0, 0, dtype=torch.float64)

        def table(values):
            return empty if values is None else torch.as_tensor(values, dtype=torch.float64)

        self.class_table = table(class_table)
        self.weight_table = table(weight_table)
        self.metric = metric
        self.penalty = penalty
        self.regularizer = regularizer
        self.class_distance = float(class_distance)
        self.num_classes = int(num_classes)
        self.same_share = self._share(class_balanced)
        if self.same_share >= 0 and weight_table is not None:
            raise ValueError("class_balanced and weight_table both say the weights: give one of them")
        self.reduction = reduction
        self.check_finite = check_finite
        self.threads = threads
        classes = len(self.class_table) or len(self.weight_table) or self.num_classes
        k = classes if regularizer[3] != 0 else 0
        self.register_buffer("running_distance", torch.zeros(k, k, dtype=torch.float64))
        self.register_buffer("running_batches", torch.zeros(k, k, dtype=torch.int64))

    @staticmethod
    def _share(class_balanced):
        """The share of pairs of one class, or -1 for uniform weights."""
        if class_balanced is None or class_balanced is False:
            return -1.0
        share = 0.5 if class_balanced is True else float(class_balanced)
        if not 0 <= share <= 1:
            raise ValueError(f"class_balanced is {class_balanced}, but must be True (a half), the share "
                             "of the weight that pairs of one class get, between 0 and 1, or None")
        return share

    def _apply(self, fn, *args, **kwargs):
        """Moves the running distances with the module, but keeps their type: a mean of many batches."""
        distances = self.running_distance
        result = super()._apply(fn, *args, **kwargs)
        self.running_distance = distances.to(self.running_distance.device)
        return result

    @classmethod
    def recommended(cls, **settings):
        """The preset of ldmat/preset.hpp: a one-sided Huber penalty."""
        return cls(penalty=one_sided(huber(0.2)), **settings)

    def forward(self, features, labels):
        with_gradient = torch.is_grad_enabled() and features.requires_grad
        name, is_one_sided, parameters = self.penalty
        value, _, distance, batches = torch.ops.ldmat.pair_loss(
            features, labels, self.class_table, self.weight_table, self.running_distance,
            self.running_batches, self.metric, name, is_one_sided, parameters, self.class_distance,
            self.num_classes, self.regularizer, self.same_share, self.reduction, self.check_finite,
            self.threads, with_gradient)
        if self.training and with_gradient and self.running_distance.numel() > 0:
            self.running_distance.copy_(distance)
            self.running_batches.copy_(batches)
        return value

    def extra_repr(self):
        return (f"metric={self.metric}, penalty={self.penalty}, regularizer={self.regularizer}, "
                f"class_distance={self.class_distance}, reduction={self.reduction}")


def _fake_pair_loss(features, labels, class_table, weight_table, running_distance, running_batches,
                    metric, penalty, one_sided, penalty_parameters, class_distance, classes,
                    regularizer, same_share, reduction, check_finite, threads, with_gradient):
    """The shapes of the results, for torch.compile and torch.export."""
    dtype = torch.float64 if features.dtype == torch.float64 else torch.float32
    shape = (features.shape[0], features.shape[1]) if with_gradient else (0, 0)
    return (features.new_empty((), dtype=dtype), features.new_empty(shape, dtype=dtype),
            torch.empty_like(running_distance), torch.empty_like(running_batches))


if hasattr(torch.library, "register_fake"):  # PyTorch 2.4
    torch.library.register_fake("ldmat::pair_loss")(_fake_pair_loss)
