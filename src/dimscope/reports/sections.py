"""The figures of the page: which there are, what is said about each, and how they are described to those who cannot see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dimscope.plots import PLOTS, Plot
from dimscope.plots.base import FINAL_NORM
from dimscope.plots.published import SITE as PUBLISHED
from dimscope.plots.scale import PREFIX, scale_columns
from dimscope.plots.theme import AXIS_LABELS
from dimscope.profile import CONTROLS, Profile, format_number
from dimscope.reports.context import quantity_text
from dimscope.reports.figures import interactive_svg
from dimscope.rules.base import Recommendation

SHOWN = {"dimension": ("dimension",), "overlap": ("overlap_next",), "label_overlap": ("label_overlap",)}
"""Plot -> the quantities whose controls are drawn in it."""
DESCRIBED = 4
"""A text alternative describes at most this many curves; the table holds the rest."""


@dataclass(frozen=True)
class Section:
    """One figure of the page before it is drawn.

    Attributes:
        plot: its name in the table of plots.
        heading: of the section.
        lead: what it shows, in one or two sentences.
        caption: how to read it.
        is_wide: drawn across the page, or beside another.
    """

    plot: str
    heading: str
    lead: str
    caption: str
    is_wide: bool


class Drawn(NamedTuple):
    """A figure of the page: its words, and one SVG each for wide and for narrow screens.

    `scales` are the ranks of curves that wait in it to be shown; `published` are the two drawings with published curves, or
    nothing.
    """

    key: str
    heading: str
    lead: str
    caption: str
    is_wide: bool
    svg: str
    svg_narrow: str
    scales: tuple[int, ...] = ()
    published: tuple[str, ...] = ()


SECTIONS = (
    Section(
        "dimension",
        "Dimension",
        "How many independent directions the examples fill around each point. Where the curve rises, a layer unfolds the "
        "data; where it falls, the layer keeps what similar examples share.",
        "Band: one standard error.",
        True,
    ),
    Section(
        "label_overlap",
        "Label overlap",
        "How often the nearest neighbours of an example carry its label. The recommendation never sees the labels.",
        "Bands: one standard error. Thin dashes: chance.",
        False,
    ),
    Section(
        "overlap",
        "Overlap with the next layer",
        "How many of the nearest neighbours an example keeps on the way to the next layer. Low: the layer rearranges.",
        "Drawn at the layer before the step. Band: one standard error.",
        False,
    ),
    Section(
        "scale",
        "Dimension by scale",
        "The same dimension read from nearer and farther neighbours. A flat line holds at all scales; where a line bends, "
        "the number depends on how far one looks.",
        "One line per layer, blue at the input to orange at the output. Band: one standard error.",
        False,
    ),
    Section(
        "spectrum",
        "Spectrum, norms and distances",
        "Linear companions: how many directions carry the variance, how much the first one takes, how long the vectors are, "
        "and how far apart nearest neighbours are.",
        "Each on its own scale, from zero.",
        True,
    ),
    Section(
        "overlap_scaling",
        "Overlaps at several k",
        "The same overlaps with fewer and more neighbours compared. Where the lines of a run have the same form, what they say "
        "does not hang on the number of neighbours.",
        "One line per number of neighbours k. Bands: one standard error. Thin dashes: chance.",
        True,
    ),
)


def draw_sections(profile: Profile, recommendation: Recommendation) -> list[Drawn]:
    """The figures that this profile has numbers for, in the order of the page."""
    present = [section for section in SECTIONS if _is_drawable(profile, section)]
    beside = [section.plot for section in present if not section.is_wide]
    alone = beside[-1] if len(beside) % 2 else ""
    return [
        draw_section(
            section, profile, recommendation, is_wide=section.is_wide or section.plot == alone,
            has_choices=section.plot == "dimension",
        )
        for section in present
    ]  # fmt: skip


def draw_section(
    section: Section,
    profile: Profile,
    recommendation: Recommendation,
    *,
    is_wide: bool,
    has_choices: bool = False,
    prefix: str = "",
) -> Drawn:
    """One figure with its words.

    Args:
        section: which.
        profile: the numbers.
        recommendation: shown in the dimension.
        is_wide: across the page, or beside another.
        has_choices: the dimension with curves that only a page with style sheet and script hides and shows.
        prefix: keeps its ids apart from those of other pages' parts.
    """
    kind = PLOTS.load(section.plot)
    options: dict[str, Any] = {"recommendation": recommendation} if section.plot == "dimension" else {}
    scales = tuple(scale_columns(profile)) if has_choices else ()

    def draw(size: str, suffix: str, **more: Any) -> str:
        plot: Plot = kind(profile, size=size, **options, **more)
        words = layer_texts(profile, plot) if suffix == "a" else None
        label = f"{section.heading}. {describe(plot, hidden=[f'{PREFIX}{rank}' for rank in scales])}"
        return interactive_svg(plot, f"{prefix}{section.plot}-{suffix}", label, words)

    sizes = {"a": "screen" if is_wide else "half", "b": "column"}
    hidden: dict[str, Any] = {"show_scales": True} if scales else {}
    has_published = has_choices and profile.layers[-1].depth > 0 and bool(np.isfinite(profile.values("dimension")).any())
    svg, svg_narrow = (draw(size, suffix, **hidden) for suffix, size in sizes.items())
    published = (draw(size, f"p{suffix}", **hidden, show_published=True) for suffix, size in sizes.items() if has_published)
    return Drawn(
        section.plot,
        section.heading,
        section.lead,
        _caption(section, profile, recommendation),
        is_wide,
        svg,
        svg_narrow,
        scales,
        tuple(published),
    )


def _caption(section: Section, profile: Profile, recommendation: Recommendation) -> str:
    """How to read the figure, with a word on each mark that is in it."""
    caption = section.caption
    if len(profile.layers) == 1 and section.plot != "scale":
        caption = caption.replace("Bands:", "Bars:").replace("Band:", "Bar:")
    if section.plot == "dimension" and any(layer.site == FINAL_NORM for layer in profile.layers):
        caption += " Open diamond: the output of the final norm, a site of its own."
    if any(profile.has(f"{quantity}_{name}") for quantity in SHOWN.get(section.plot, ()) for name in CONTROLS):
        caption += " Dashed grey: controls, the same measure where there is nothing to find."
    if section.plot == "dimension" and recommendation.is_clear:
        caption += " Shaded: the recommended range; ring: the layer to try first."
    return caption


def layer_texts(profile: Profile, plot: Plot) -> dict[str, str]:
    """Layer -> its name and the values that the plot shows of it, one per line."""
    rows = {layer.name: place for place, layer in enumerate(profile.layers)}
    quantities = list(dict.fromkeys(plot.frame()["quantity"]))
    return {
        name: "\n".join([name, *(f"{quantity_label(item)} {quantity_text(profile, item, row)}" for item in quantities)])
        for name, row in rows.items()
    }


def quantity_label(name: str) -> str:
    """What a quantity is called in a list of values."""
    if name.startswith("gride_"):
        return f"rank {name.removeprefix('gride_')}:"
    base, _, k = name.rpartition("_k")
    if k.isdigit():
        return f"{quantity_label(base)}, k = {k}"
    return {"dimension": "dimension", "overlap_next": "overlap with next"}.get(name, AXIS_LABELS.get(name, name))


def describe(plot: Plot, hidden: Sequence[str] = ()) -> str:
    """The curves of the run in words, but for hidden quantities: first, last, highest and lowest value of each."""
    frame = plot.frame()
    frame = frame[(frame["site"] != PUBLISHED) & ~frame["quantity"].isin(list(hidden))]
    sentences = []
    for quantity, part in list(frame.groupby("quantity", sort=False))[:DESCRIBED]:
        known = part[np.isfinite(part["value"].to_numpy(dtype=float))]
        label = quantity_label(str(quantity)).rstrip(":")
        if not len(known):
            sentences.append(f"{label}: no value.")
            continue
        top, low = known.loc[known["value"].idxmax()], known.loc[known["value"].idxmin()]
        say: Callable[[Any], str] = lambda row: f"{format_number(float(row['value']))} at {row['name']}"  # noqa: E731
        sentences.append(f"{label}: from {say(known.iloc[0])} to {say(known.iloc[-1])}, highest {say(top)}, lowest {say(low)}.")
    return " ".join([*sentences, "All values are in the table of layers."])


def _is_drawable(profile: Profile, section: Section) -> bool:
    """True when there is a number to draw; the dimension is shown in any case, as the place where its absence is said."""
    present = PLOTS.load(section.plot).present(profile)
    return section.plot == "dimension" or any(np.isfinite(profile.values(name)).any() for name in present)
