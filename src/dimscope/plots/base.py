"""What a plot is: a figure together with the very numbers that it shows.

Every plot first gathers its numbers as rows of a table and then draws from these rows, so that picture and `frame()` cannot
differ. Figures are made without pyplot: nothing is shown, nothing is kept alive.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.errors import UsageError, unknown_name
from dimscope.files import atomic_path
from dimscope.notebook import line_of
from dimscope.plots.theme import order_style, run_style, size_of, themed
from dimscope.profile import Profile

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Profiles: TypeAlias = Profile | Mapping[str, Profile]
"""One profile, or a comparison: name of each run -> its profile."""
Rows: TypeAlias = "pandas.DataFrame"
"""One row per drawn number: run, name, site, layer, depth, x, quantity, value, error, chance."""
FINAL_NORM = "final_norm"
LEAST_WIDTH = 1.7
"""Inches that one of several pairs of axes needs for its ticks and its title."""
NORM_GAP = 24
"""The final norm stands apart from the last block by one 24th of the layers, at least by one layer."""
# No dates and no version in files: the same profile gives the same bytes.
METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": "dimscope"},
    ".pdf": {"CreationDate": None, "Creator": "dimscope"},
    ".png": {"Software": "dimscope"},
}


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes and the numbers in it.

    Attributes:
        axes: matplotlib axes.
        rows: the numbers, see `Rows`.
        along: what the x axis counts: one place per layer, or neighbour ranks with one line per layer.
    """

    axes: "Axes"
    rows: "Rows"
    along: Literal["layer", "rank"] = "layer"


@dataclass(frozen=True, eq=False, repr=False)
class Plot:
    """A finished figure that shows nothing by itself.

    Attributes:
        figure: matplotlib figure, free to change.
        panels: its axes with their numbers, in reading order.
        size: name of the size that it was drawn for.
    """

    figure: "Figure"
    panels: tuple[Panel, ...]
    size: str

    def __repr__(self) -> str:
        return line_of(self, panels=len(self.panels), size=self.size)

    @property
    def axes(self) -> "tuple[Axes, ...]":
        """The axes of all panels."""
        return tuple(panel.axes for panel in self.panels)

    def frame(self) -> "pandas.DataFrame":
        """The very numbers drawn, one per row: run, name, site, layer, depth, x, quantity, value, error, chance."""
        import pandas

        return pandas.concat([panel.rows for panel in self.panels], ignore_index=True)

    def save(self, path: str | Path) -> Path:
        """The path, after the figure was written there (atomically) in the format of its ending.

        Raises:
            UsageError: the ending is none of .svg, .pdf, .png.
            StoreError: the disk is full or the folder cannot be written.
        """
        target = Path(path)
        ending = target.suffix.lower()
        if ending not in METADATA:
            raise unknown_name("ending of a figure", ending, METADATA)
        with atomic_path(target) as temporary, themed(self.size):
            self.figure.savefig(temporary, format=ending[1:], metadata=METADATA[ending])
        return target

    def svg(self, *, has_text: bool = False) -> str:
        """The figure as SVG; with `has_text` letters stay text (fonts of the viewer) on a transparent ground."""
        import matplotlib

        buffer = StringIO()
        with themed(self.size), matplotlib.rc_context({"svg.fonttype": "none" if has_text else "path"}):
            ground = "none" if has_text else "auto"
            self.figure.savefig(buffer, format="svg", metadata=METADATA[".svg"], facecolor=ground)
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        with themed(self.size):
            self.figure.savefig(buffer, format="png", dpi=144, metadata=METADATA[".png"])
        return buffer.getvalue()


@dataclass(frozen=True)
class PlotKind:
    """One entry of the table of plots; calling it draws.

    Attributes:
        summary: one line for listings.
        needs: quantities of which a profile must hold at least one; `*` stands for any number.
        function: the public function behind it.
        is_apart: a dict gets axes of its own for each run, and no colour stands for a run.
        has_published: the function takes `show_published`.
    """

    summary: str
    needs: tuple[str, ...]
    function: Callable[..., Plot]
    is_apart: bool = False
    has_published: bool = False

    def __call__(self, profiles: Profiles, **options: Any) -> Plot:
        """The plot; options as the public function takes them."""
        return self.function(profiles, **options)

    def present(self, profile: Profile) -> list[str]:
        """The quantities of the profile that this plot needs one of."""
        found: list[str] = []
        for name in self.needs:
            head, star, _ = name.partition("*")
            found += profile.numbered(head).values() if star else [name] if profile.has(name) else []
        return found

    def is_drawable(self, profile: Profile) -> bool:
        """True when the profile holds a quantity that this plot shows."""
        return bool(self.present(profile))


@dataclass(frozen=True, eq=False)
class Runs:
    """What a plot was asked to show.

    Attributes:
        profiles: name -> profile, never empty.
        is_comparison: True for a dict: one colour per run, x = depth; otherwise x = layer.
        is_ordered: the runs are steps of one thing, such as checkpoints: their colours go from blue to orange.
    """

    profiles: Mapping[str, Profile]
    is_comparison: bool
    is_ordered: bool = False

    def style(self, place: int) -> dict[str, Any]:
        """Colour and line style of the run at this place."""
        return order_style(place, len(self.profiles)) if self.is_ordered else run_style(place)

    def rows(self, quantity: str) -> "Rows":
        """The numbers of one quantity over the layers of every run that holds it."""
        import pandas

        parts = [
            layer_rows(name, profile, quantity, by_depth=self.is_comparison)
            for name, profile in self.profiles.items()
            if profile.has(quantity)
        ]
        return pandas.concat(parts, ignore_index=True) if parts else layer_rows_of_nothing()

    def require(self, quantities: Iterable[str], advice: str) -> None:
        """Nothing, when every run holds at least one of the quantities.

        Raises:
            UsageError: names the run that holds none of them, with the advice.
        """
        names = tuple(quantities)
        for run, profile in self.profiles.items():
            if not any(profile.has(name) for name in names):
                raise UsageError(f"{self.called(run)} holds no {' or '.join(names)}; {advice}")

    def called(self, run: str) -> str:
        """How messages call the profile of a run."""
        return f'the profile "{run}"' if self.is_comparison else "this profile"

    def setting(self, name: str) -> Any:
        """An option of the measurement that all runs share, or None."""
        found = {str(profile.provenance.get("measure", {}).get(name)) for profile in self.profiles.values()}
        value = found.pop()
        return None if found or value == "None" else value


def as_runs(profiles: Profiles, *, ordered: bool = False) -> Runs:
    """One profile or a dict of them, in one form.

    Raises:
        UsageError: an empty dict, something that is no profile, or an order of one profile.
    """
    if isinstance(profiles, Profile):
        if ordered:
            raise UsageError("an order was asked for, but one profile was given; an order needs a dict of name -> Profile.")
        name = str(profiles.provenance.get("model", {}).get("name", "") or "run")
        return Runs({name: profiles}, is_comparison=False)
    if not isinstance(profiles, Mapping):
        raise UsageError(f"a plot takes a Profile or a dict of name -> Profile, found {type(profiles).__name__}.")
    if not profiles:
        raise UsageError("a plot of an empty dict was asked for; give at least one profile.")
    for name, profile in profiles.items():
        if not isinstance(profile, Profile):
            raise UsageError(f'a plot takes profiles; "{name}" is of type {type(profile).__name__}.')
    return Runs({str(name): profile for name, profile in profiles.items()}, is_comparison=True, is_ordered=ordered)


def layer_rows(run: str, profile: Profile, quantity: str, *, by_depth: bool) -> "Rows":
    """The numbers of one quantity of one run; x is the depth, or the layer with the final norm set apart."""
    import pandas

    layers = profile.layers
    return pandas.DataFrame(
        {
            "run": [run] * len(layers),
            "name": [layer.name for layer in layers],
            "site": [layer.site for layer in layers],
            "layer": [layer.index for layer in layers],
            "depth": [layer.depth for layer in layers],
            "x": layer_positions(profile, by_depth=by_depth),
            "quantity": [quantity] * len(layers),
            "value": profile.values(quantity),
            "error": _companion(profile, f"{quantity}_err"),
            "chance": _companion(profile, f"{quantity}_chance"),
        }
    )


def layer_rows_of_nothing() -> "Rows":
    """The same columns without a row."""
    import pandas

    texts = {name: pandas.Series(dtype=object) for name in ("run", "name", "site", "quantity")}
    numbers = {name: pandas.Series(dtype=float) for name in ("layer", "depth", "x", "value", "error", "chance")}
    order = ("run", "name", "site", "layer", "depth", "x", "quantity", "value", "error", "chance")
    return pandas.DataFrame({**texts, **numbers})[list(order)]


def layer_positions(profile: Profile, *, by_depth: bool) -> FloatArray:
    """Where each layer stands on the x axis."""
    layers = profile.layers
    if by_depth:
        return np.array([layer.depth for layer in layers])
    gap = max(1, round(max(layer.index for layer in layers) / NORM_GAP))
    return np.array([float(layer.index + gap * (layer.site == FINAL_NORM)) for layer in layers])


def new_figure(size: str, *, rows: int = 1, columns: int = 1, height: float = 1.0) -> "tuple[Figure, list[Axes]]":
    """An empty figure outside pyplot and its axes in reading order; call it inside `themed`."""
    from matplotlib.figure import Figure

    wanted = size_of(size)
    figure = Figure(figsize=(wanted.width, wanted.height * height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, list(grid.ravel())


def grid_shape(n_axes: int, size: str) -> tuple[int, int]:
    """Rows and columns for this many pairs of axes, as few rows as the width allows, all rows alike full."""
    rows = -(-n_axes // max(1, int(size_of(size).width / LEAST_WIDTH)))
    return rows, -(-n_axes // rows)


def title_length(size: str, columns: int) -> int:
    """Letters that fit above one of so many pairs of axes beside each other."""
    wanted = size_of(size)
    return max(8, int(0.86 * wanted.width / columns * 72 / (wanted.font * 1.15 * 0.66)))


def _companion(profile: Profile, name: str) -> FloatArray:
    return profile.values(name) if profile.has(name) else np.full(len(profile.layers), np.nan)
