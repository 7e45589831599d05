"""How figures look: colours that the colour-blind can tell apart, publication sizes, labels of the quantities.

Nothing here touches matplotlib's global state: `themed` is a context, and it starts from matplotlib's own defaults, so that
a user's style sheet changes neither files nor reports.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from dimscope.errors import unknown_name

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d")
"""Okabe and Ito 2008 (jfly.uni-koeln.de/color); yellow is left out (too pale on white), black is a dark grey."""
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))
"""Used in turn when there are more runs than colours."""
DEPTH_STOPS = ("#2f6fbf", "#9a6a9c", "#cf6f10")
"""Blue to orange at middle lightness: a contrast of at least 3 to 1 on white and on near-black."""
INK = "#262626"
MUTED = "#757575"
GRID = "#e3e3e3"
PAPER = "#ffffff"


class Size(NamedTuple):
    """Width and height of a figure in inches and the size of its type in points."""

    width: float
    height: float
    font: float


SIZES = {
    "column": Size(3.5, 2.6, 7.0),
    "half": Size(4.6, 3.1, 8.0),
    "page": Size(7.0, 3.2, 8.0),
    "screen": Size(10.0, 3.7, 9.0),
}
"""`column` and `page` are the usual one and two columns of a journal; `half` and `screen` serve the report."""

CONTROL_WORDS = {
    "untrained": "fresh weights",
    "shuffled": "shuffled tokens",
    "gaussian": "normal points",
    "permuted": "permuted labels",
}
"""What a control is called in a legend."""
AXIS_LABELS = {
    "dimension": "intrinsic dimension",
    "overlap_next": "shared neighbours with next layer",
    "label_overlap": "label overlap",
    "label_overlap_balanced": "label overlap, balanced",
    "knn_accuracy": "kNN accuracy",
    "linear_probe": "linear probe",
    "effective_rank": "effective rank",
    "participation_ratio": "participation ratio",
    "pca_99": "PCA 99 %",
    "anisotropy": "anisotropy",
    "norm_median": "norm",
    "r1_median": "nearest distance",
    **{
        f"{quantity}_{name}": f"{label}, {words}"
        for quantity, label in (
            ("dimension", "dimension"),
            ("overlap_next", "overlap with next"),
            ("label_overlap", "label overlap"),
        )
        for name, words in CONTROL_WORDS.items()
    },
}
"""What a quantity is called on an axis and in a legend."""


def size_of(name: str) -> Size:
    """The size of that name.

    Raises:
        UsageError: no such size.
    """
    if name not in SIZES:
        raise unknown_name("size", name, SIZES)
    return SIZES[name]


@contextmanager
def themed(size: str) -> Iterator[None]:
    """Draw inside this context; matplotlib's settings are as before when it ends."""
    import matplotlib.style

    with matplotlib.style.context(["default", _settings(size_of(size))]), warnings.catch_warnings():
        # Names of runs may hold any script; a missing glyph is drawn as a box, and SVG text lets the viewer's fonts step in.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def depth_color(depth: float) -> str:
    """The colour of a layer at this depth (0 to 1), as hex."""
    from matplotlib.colors import to_hex

    return str(to_hex(depth_colormap()(min(1.0, max(0.0, depth)))))


def depth_colormap() -> Any:
    """The colour map behind `depth_color`."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("depth", DEPTH_STOPS)


def run_style(position: int) -> dict[str, Any]:
    """Colour and line style of the run at this place in a comparison."""
    turn = position // len(PALETTE) % len(DASHES)
    return {"color": PALETTE[position % len(PALETTE)], "linestyle": DASHES[turn]}


def order_style(place: int, count: int) -> dict[str, Any]:
    """Colour and line style of step `place` of `count` steps: blue at the first, orange at the last."""
    return {"color": depth_color(place / max(1, count - 1)), "linestyle": "-"}


def shorten(text: str, most: int = 36) -> str:
    """The text on one line, its middle left out when it is longer than `most` characters."""
    flat = " ".join(text.split())
    if len(flat) <= most:
        return flat
    tail = (most - 1) // 2
    return f"{flat[: most - 1 - tail]}\N{HORIZONTAL ELLIPSIS}{flat[-tail:]}"


def _settings(size: Size) -> dict[str, Any]:
    return {
        "font.size": size.font,
        "axes.titlesize": size.font * 1.15,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8.0,
        "axes.labelsize": size.font,
        "xtick.labelsize": size.font,
        "ytick.labelsize": size.font,
        "legend.fontsize": size.font,
        "legend.frameon": False,
        "legend.handlelength": 1.8,
        "legend.columnspacing": 1.6,
        "text.color": INK,
        "text.parse_math": False,  # names of runs are shown as written: `$`, `_` and `^` mean nothing
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.facecolor": "none",
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.major.size": 3.0,
        "ytick.major.size": 0.0,
        "lines.linewidth": 1.6,
        "lines.solid_capstyle": "round",
        "figure.facecolor": PAPER,
        "figure.dpi": 144,
        "savefig.dpi": 300,
        "savefig.facecolor": "auto",
        "svg.hashsalt": "dimscope",
        "pdf.fonttype": 42,
    }
