"""What a page may weigh, and what is left out of one that would weigh more."""

from collections.abc import Callable
from typing import NamedTuple

from dimscope.reports.sections import Drawn

MOST_BYTES = 3_000_000
"""Of a whole page: can be mailed, and opens at once."""
LEAST_EXPLORER = 600_000
"""Room for the explorer that other content has to leave."""
FRAME, FRAME_PER_LAYER = 6_000, 400
"""Bytes of the explorer's section around its data: some 3 500, and 230 for each layer."""


class Content(NamedTuple):
    """What can be left out of a page.

    Attributes:
        figures: with their drawings.
        csv_href: the table as a link that holds the file; may be empty.
        left_out: what was left out, in words.
    """

    figures: list[Drawn]
    csv_href: str
    left_out: tuple[str, ...] = ()

    def size(self) -> int:
        """Bytes of the parts that can be left out."""
        drawings = (text for figure in self.figures for text in (figure.svg_narrow, *figure.published))
        return len(self.csv_href) + sum(len(text.encode()) for text in drawings)


def fit(content: Content, room: int) -> tuple[Content, int]:
    """The content without what does not fit, and the bytes that are then left.

    First go the published curves, then the link that holds the table (the run folder has the file), then the drawings for
    narrow screens, which then show those of wide ones. Each goes as a whole or not at all.

    Args:
        content: everything.
        room: bytes left with all of it; negative where it is too much.
    """
    for leave_out in STEPS:
        if room >= 0:
            break
        less = leave_out(content)
        room += content.size() - less.size()
        content = less
    return content, room


def frame_of_explorer(n_layers: int) -> int:
    """Bytes of the explorer's section without its data."""
    return FRAME + FRAME_PER_LAYER * n_layers


def _without_published(content: Content) -> Content:
    if not any(figure.published for figure in content.figures):
        return content
    figures = [figure._replace(published=()) for figure in content.figures]
    return Content(figures, content.csv_href, (*content.left_out, "the published curves"))


def _without_csv(content: Content) -> Content:
    return Content(content.figures, "", (*content.left_out, "the download of profile.csv, which is in the run folder"))


def _without_narrow(content: Content) -> Content:
    figures = [figure._replace(svg_narrow="") for figure in content.figures]
    return Content(figures, content.csv_href, (*content.left_out, "the drawings for narrow screens"))


STEPS: tuple[Callable[[Content], Content], ...] = (_without_published, _without_csv, _without_narrow)
"""In this order."""
