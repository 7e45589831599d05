"""Every curve whose files are there."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from dimscope.errors import InputError, UsageError
from dimscope.paper.curves import MODELS, Curve, Source
from dimscope.paper.released import OVERLAP_LAYERS, esm_curve, igpt_dimension, igpt_overlap
from dimscope.paper.tabled import tabled_dimension, tabled_overlap, words_with_tables

NAMES = {word: model for model, word in MODELS.items()}
"""Word in the names of files -> name in the figures."""


def all_curves(source: Source) -> tuple[list[Curve], list[str]]:
    """The curves, and one sentence for each that cannot be made.

    With tables of one's own models only, nothing is said about iGPTs.
    """
    curves: list[Curve] = []
    missing: list[str] = []
    for model, make in _makers(source):
        try:
            curves.append(make())
        except (InputError, UsageError) as error:
            missing.append(f"{model}: {error}")
    return curves, list(dict.fromkeys(missing))


def _makers(source: Source) -> Iterator[tuple[str, Callable[[], Curve]]]:
    """Model and what makes one of its curves: tables in place of the released arrays of iGPT, ESM-2 from released arrays."""
    results, data = source.from_distances, source.data
    for word in _words(results, source.split) if results else ():
        assert results is not None
        model = NAMES.get(word, word)
        yield model, partial(tabled_dimension, source, results, model, word)
        yield model, partial(tabled_overlap, source, results, model, word)
    for model, word in MODELS.items() if data else ():
        assert data is not None
        if word not in OVERLAP_LAYERS:
            yield model, partial(esm_curve, data, model, word, "dimension")
            yield model, partial(esm_curve, data, model, word, "label_overlap")
        elif not results:
            yield model, partial(igpt_dimension, source, data, model, word)
            yield model, partial(igpt_overlap, source, data, model, word)


def _words(results: Path, split: str) -> list[str]:
    """Models whose tables are read: all iGPTs (missing ones are to be named) unless only others have tables, and the others."""
    there = words_with_tables(results, split)
    others = [word for word in there if word not in OVERLAP_LAYERS]
    return [*(OVERLAP_LAYERS if not others or len(others) < len(there) else ()), *others]
