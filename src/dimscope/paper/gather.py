"""Every curve whose files are there."""

from collections.abc import Callable, Iterator
from functools import partial

from dimscope.errors import InputError, UsageError
from dimscope.paper.curves import MODELS, Curve, Source
from dimscope.paper.released import OVERLAP_LAYERS, esm_curve, igpt_dimension, igpt_overlap
from dimscope.paper.tabled import tabled_dimension, tabled_overlap, words_with_tables


def all_curves(source: Source) -> tuple[list[Curve], list[str]]:
    """The curves, and one sentence for each that cannot be made."""
    curves: list[Curve] = []
    missing: list[str] = []
    for model, make in _makers(source):
        try:
            curves.append(make())
        except (InputError, UsageError) as error:
            missing.append(f"{model}: {error}")
    return curves, list(dict.fromkeys(missing))


def _makers(source: Source) -> Iterator[tuple[str, Callable[[], Curve]]]:
    """Model and what makes one of its curves: tables before released arrays, ESM-2 from released arrays only."""
    results, data = source.from_distances, source.data
    others = [word for word in words_with_tables(results, source.split) if word not in MODELS.values()] if results else []
    for model, word in [*MODELS.items(), *zip(others, others, strict=True)]:
        if results and (word in OVERLAP_LAYERS or word in others):
            yield model, partial(tabled_dimension, source, results, model, word)
            yield model, partial(tabled_overlap, source, results, model, word)
        elif data and word in OVERLAP_LAYERS:
            yield model, partial(igpt_dimension, source, data, model, word)
            yield model, partial(igpt_overlap, source, data, model, word)
        elif data:
            yield model, partial(esm_curve, data, model, word, "dimension")
            yield model, partial(esm_curve, data, model, word, "label_overlap")
