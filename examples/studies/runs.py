"""What the studies train: every run of every study, in this one place.

Options are written as after ldmat-train; of an option that is given twice the last one counts. A change
here makes new runs of what it touches; the others stay as they are. `studies.py status` says what is to do.
"""

from dataclasses import dataclass, replace

from options import join, parse, without

SEEDS = 3

# Budgets: the same for every loss, but for the learning rate of LDMAT with anchors and, in rows that say so, the
# last layer; `colour` has softmax with both, too, and `tried` softmax and softmax + center with the rate and with
# both. PLANE: two features of MNIST and Fashion-MNIST, TEN: ten. SHORT: of the studies that need many runs.
DIGITS = "--batch 100 --lr 0.004 --shift 2"
PLANE = f"--dim 2 {DIGITS} --epochs 12"
PLANE_SHORT = f"--dim 2 {DIGITS} --epochs 4"
TEN = f"--dim 10 {DIGITS} --epochs 12"
COLOUR = "--batch 64 --lr 0.003 --shift 0"  # so few epochs leave no time for moved images
CIFAR10 = f"--dataset cifar10 --dim 16 {COLOUR} --epochs 8"
CIFAR10_SHORT = f"--dataset cifar10 --dim 16 {COLOUR} --epochs 3"
CIFAR100 = f"--dataset cifar100 --dim 128 {COLOUR} --epochs 8"
# Of a hundred classes, images drawn at random would seldom share one: for losses that compare images, a
# batch has four of each of its classes.
PAIRS_OF_MANY_CLASSES = "--per-class 4"

# What LDMAT is given beyond the defaults of ldmat-train, by data set.
LDMAT_PLANE = ""
LDMAT_TEN = "--anchors --penalty squared --same-share 0.15 --anchor-share 0.75 --class-distance 5"
FASTER = "--lr 0.005"
NORMALIZED = f"{FASTER} --normalize batch"
ANCHORED = f"--anchors --penalty squared --anchor-share 0.75 {FASTER} --per-class 0"
LDMAT_CIFAR10 = f"{ANCHORED} --same-share 0.15 --class-distance 5"
LDMAT_CIFAR100 = f"{ANCHORED} --same-share 0.03 --class-distance 15"
# Other anchors farther than a sample's own by the wanted distance, and batch-normalised features.
BEYOND = f"{ANCHORED} --beyond-own --anchor-share 0.25 --same-share 0.1 {NORMALIZED}"
BEYOND_CIFAR10 = f"{BEYOND} --class-distance 5"
BEYOND_CIFAR100 = f"{BEYOND} --class-distance 15"

# Classes of one superclass nearer to each other than to the others; for LDMAT on CIFAR-100.
SUPERCLASSES = "--within-superclass 0.5"
# CIFAR-100: so many classes are not trained on, but retrieved.
HOLD_OUT = "--hold-out 20"

# The losses, with what each of them wants.
BASELINES = {
    "softmax": "--loss softmax",
    "softmax + center": "--loss center",
    "contrastive": "--loss contrastive",
    "triplet": "--loss triplet",
    "supcon": "--loss supcon",
}

# Plain LDMAT, by which regularizers are judged, and strengths of each.
PLAIN = "--loss ldmat --two-sided --penalty squared"
STRENGTHS = {"offset": (0.1, 0.2, 0.4), "shrink": (0.1, 0.2, 0.4), "adaptive": (0.25, 0.5, 0.9)}
STRENGTHS_SHORT = {"offset": (0.2,), "shrink": (0.2,), "adaptive": (0.5,)}

DIMENSIONS = (2, 8, 32, 128)
BATCHES = (32, 128, 512, 2048)

# Options of ldmat-eval, by data set, where it needs any: {"cifar100": "--svm-samples 4000"}.
EVALUATE = {}

# Seconds of one epoch on one thread, before any run has been measured; and of all that is not training.
EPOCH_SECONDS = {"digits": 1, "mnist": 9, "fashion": 9, "cifar10": 22, "cifar100": 24}
OTHER_SECONDS = {"digits": 2, "mnist": 15, "fashion": 15, "cifar10": 15, "cifar100": 20}

# Columns of tables; figures.py says what they are.
USUAL = ("nearest_centroid", "5-nn", "30-nn", "own", "best", "min_ratio", "mean_ratio", "map_at_r")
SPREAD = ("nearest_centroid", "5-nn", "within", "between", "min_ratio", "mean_ratio")
CLASSIFIERS = ("nearest_centroid", "1-nn", "5-nn", "30-nn", "linear_svm", "rbf_svm", "gaussian", "own")
HIERARCHY = ("nearest_centroid", "outside_nearest_centroid", "30-nn", "outside_30-nn", "map_at_r")
OPEN_SET = ("unseen_precision_at_1", "unseen_map_at_r", "unseen_nearest_centroid", "nearest_centroid",
            "map_at_r")


@dataclass(frozen=True)
class Row:
    """One line of a table: the same options with several seeds."""

    name: str
    train: str
    series: str = ""  # for pictures with lines: which line, and where on it
    x: float = 0


@dataclass(frozen=True)
class Table:
    name: str  # of its picture, and of its place in docs/results.md
    title: str
    first: str  # heading of the first column
    rows: tuple
    columns: tuple = USUAL
    # "points": the test images of seed 1 in the plane, "points, one scale", "lines": accuracy over Row.x,
    # "bars": accuracy by row; "": none
    picture: str = ""


COMPARE_IMAGES = ("contrastive", "triplet", "supcon")


def losses(common, ldmat, names=tuple(BASELINES), pairs=""):
    """A row for LDMAT and one for each baseline; `pairs`: options of those that compare images."""
    first = Row("LDMAT, anchors" if "--anchors" in ldmat else "LDMAT", join(common, "--loss ldmat", ldmat))
    return (first, *(Row(name, join(common, BASELINES[name], pairs if name in COMPARE_IMAGES else ""))
                     for name in names))


def normalized(common, beyond):
    """LDMAT and softmax on batch-normalised features, at the learning rate of LDMAT's anchors."""
    return (Row("LDMAT, anchors beyond own, batch-normalised", join(common, "--loss ldmat", beyond)),
            Row("softmax, batch-normalised, learning rate 0.005",
                join(common, BASELINES["softmax"], NORMALIZED)))


def along(values, option, common, ldmat, label):
    """LDMAT and softmax for each value of an option."""
    return tuple(
        replace(row, name=f"{row.name}, {value}", series=row.name, x=value,
                train=join(row.train, f"{option} {value}"))
        for value in values
        for row in losses(common, ldmat, ("softmax",))
    )


def regularized(common, base, strengths):
    rows = [Row("none", join(common, base))]
    for name, values in strengths.items():
        rows += [Row(f"{name} {value:g}", join(common, base, f"--regularizer {name} --strength {value:g}"))
                 for value in values]
    return tuple(rows)


def plane():
    return [
        Table(f"plane-{dataset}", f"{title}, 2 features", "loss",
              losses(f"--dataset {dataset} {PLANE}", LDMAT_PLANE), picture="points")
        for dataset, title in (("mnist", "MNIST"), ("fashion", "Fashion-MNIST"))
    ]


def ten():
    return [Table("ten", "MNIST, 10 features", "loss", losses(f"--dataset mnist {TEN}", LDMAT_TEN))]


def regularizers():
    common = f"--dataset mnist {PLANE_SHORT}"
    return [
        Table("regularizers-plain", "MNIST, 2 features, plain LDMAT (two-sided, squared)", "regularizer",
              regularized(common, PLAIN, STRENGTHS), SPREAD, "points, one scale"),
        Table("regularizers-recommended", "MNIST, 2 features, one-sided LDMAT", "regularizer",
              regularized(common, join("--loss ldmat", LDMAT_PLANE), STRENGTHS_SHORT), SPREAD),
    ]


def dimension():
    return [Table("dimension", "CIFAR-10, number of features", "loss, features",
                  along(DIMENSIONS, "--dim", CIFAR10_SHORT, LDMAT_CIFAR10, "features"), picture="lines")]


def batch():
    return [Table("batch", "MNIST, 2 features, images per batch", "loss, batch",
                  along(BATCHES, "--batch", f"--dataset mnist {PLANE_SHORT}", LDMAT_PLANE, "batch"),
                  picture="lines")]


# What was tried on CIFAR-10, each beyond "--loss ldmat".
TRIED = {
    "two-sided squared (plain LDMAT)": "--two-sided --penalty squared",
    "one-sided squared": "--penalty squared",
    "one-sided Huber 0.2 (best on digits)": "",
    "one-sided squared, distance 5": "--penalty squared --class-distance 5",
    "... class-balanced": "--penalty squared --class-distance 5 --weights balanced --same-share 0.3",
    "... Frobenius": "--penalty squared --class-distance 5 --reduction frobenius",
    "... 16 images of each of 4 classes": "--penalty squared --class-distance 5 --per-class 16",
    "... learnt class proxies in each batch": "--penalty squared --class-distance 5 --proxies",
    "cosine distance, two-sided": "--metric cosine --two-sided --penalty squared --normalize on",
    "anchors, distance 1": f"{LDMAT_CIFAR10} --class-distance 1",
    "anchors, distance 5 (the preset)": LDMAT_CIFAR10,
    "... full distance to other anchors": f"{LDMAT_CIFAR10} --anchor-share 1 --same-share 0.3",
    "... the same, two-sided": f"{LDMAT_CIFAR10} --anchor-share 1 --same-share 0.3 --two-sided",
    "... own anchor only": f"{LDMAT_CIFAR10} --same-share 1",
    "... learning rate 0.003, as the other losses": f"{LDMAT_CIFAR10} --lr 0.003",
    "... batch-normalised": f"{LDMAT_CIFAR10} --normalize batch",
    "anchors, distance 15": f"{LDMAT_CIFAR10} --class-distance 15",
    "anchors, distance 5, beyond own": f"{BEYOND_CIFAR10} --normalize off",
    "... the same, batch-normalised": BEYOND_CIFAR10,
}


def tried():
    rows = [Row(f"{name}{other}", join(CIFAR10_SHORT, BASELINES[name], options))
            for name in ("softmax", "softmax + center")
            for other, options in (("", ""), (", learning rate 0.005", FASTER),
                                   (", batch-normalised, learning rate 0.005", NORMALIZED))]
    rows += [Row(name, join(CIFAR10_SHORT, "--loss ldmat", options)) for name, options in TRIED.items()]
    return [Table("tried", "CIFAR-10, settings of LDMAT, three epochs", "loss", tuple(rows))]


def colour():
    flat = losses(CIFAR100, LDMAT_CIFAR100, pairs=PAIRS_OF_MANY_CLASSES)
    table = Row(f"{flat[0].name}, superclass table", join(flat[0].train, SUPERCLASSES))
    hierarchy = (replace(flat[0], name=f"{flat[0].name}, one distance"), table, flat[1])
    return [
        Table("colour-cifar10", "CIFAR-10", "loss",
              losses(CIFAR10, LDMAT_CIFAR10) + normalized(CIFAR10, BEYOND_CIFAR10), picture="bars"),
        Table("colour-cifar100", "CIFAR-100", "loss",
              flat + normalized(CIFAR100, BEYOND_CIFAR100), picture="bars"),
        Table("colour-hierarchy", "CIFAR-100, images taken for another superclass", "loss", hierarchy,
              HIERARCHY),
        Table("colour-open-set", "CIFAR-100, 80 classes trained, the other 20 retrieved", "loss",
              losses(f"{CIFAR100} {HOLD_OUT}", LDMAT_CIFAR100, ("softmax",)), OPEN_SET),
    ]


def classifiers():
    """Any classifier on the features of `plane` and `colour`: it trains nothing."""
    tables = [*plane(), *colour()[:2]]
    return [replace(table, name="classifiers-" + table.name.split("-")[1],
                    title=f"{table.title}, by classifier", columns=CLASSIFIERS, picture="")
            for table in tables]


# In the order of `studies.py all`. What trains nothing needs the studies named beside it.
STUDIES = {
    "plane": plane,
    "ten": ten,
    "regularizers": regularizers,
    "batch": batch,
    "dimension": dimension,
    "colour": colour,
    "tried": tried,
    "classifiers": classifiers,
}
TRAINS_NOTHING = {"classifiers": ("plane", "colour")}
# What only shows a direction: one seed, unless asked for more.
ONE_SEED = ("tried",)

# --quick: the same tables from the embedded digits, one epoch each. Options that digits cannot have go;
# rows that would become the same are the same run.
ONLY_COLOUR = ("--per-class", "--network", "--batch", "--lr", "--shift", "--flip", "--within-superclass")
QUICK = "--dataset digits --epochs 1"


def quick(table):
    def on_digits(row):
        line = join(without(row.train, ONLY_COLOUR), QUICK)
        return replace(row, train=join(line, "--hold-out 2") if "--hold-out" in parse(line) else line)

    return replace(table, title=f"{table.title} (quick: digits)", rows=tuple(map(on_digits, table.rows)))


def seeds(study, is_quick=False):
    """How many seeds a study has by default."""
    return 1 if is_quick or study in ONE_SEED else SEEDS


def tables(study, is_quick=False):
    """The tables of a study, each row with its options."""
    made = STUDIES[study]()
    return [quick(table) for table in made] if is_quick else made
