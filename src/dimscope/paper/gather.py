"""Every curve whose files are there."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from dimscope.errors import InputError, UsageError
from dimscope.paper.curves import MODELS, Curve, Source
from dimscope.paper.legacy import IMAGENET
from dimscope.paper.released import OVERLAP_LAYERS, esm_curve, igpt_dimension, igpt_overlap
from dimscope.paper.tabled import Tables, tabled_dimension, tabled_overlap, tables_in

NAMES = {word: model for model, word in MODELS.items()}
"""Word in the names of files -> name in the figures."""


def all_curves(source: Source) -> tuple[list[Curve], list[str]]:
    """The curves, and one sentence for each file that is missing or wrong, so that a curve or a layer of it cannot be made.

    With tables of one's own models only, nothing is said about iGPTs.

    Raises:
        InputError: a folder that was named does not exist.
    """
    for folder in (source.data, source.from_distances):
        if folder is not None and not folder.is_dir():
            raise InputError(f"there is no folder {folder} (looked in {Path.cwd()}).")
    curves: list[Curve] = []
    missing: list[str] = []
    for model, make in _makers(source):
        try:
            curve = make()
        except (InputError, UsageError) as error:
            missing.append(f"{model}: {error}")
            continue
        missing += [f"{model}: {sentence}" for sentence in curve.left_out]
        curves += [curve] if len(curve.layers) else []
    return curves, list(dict.fromkeys(missing))


def _makers(source: Source) -> Iterator[tuple[str, Callable[[], Curve]]]:
    """Model and what makes one of its curves: tables in place of the released arrays of iGPT, ESM-2 from released arrays."""
    results, data = source.from_distances, source.data
    for tables in _tables(results, source.split) if results else ():
        model = _name(tables)
        yield model, partial(tabled_dimension, source, tables, model)
        yield model, partial(tabled_overlap, source, tables, model)
    for model, word in MODELS.items() if data else ():
        assert data is not None
        if word not in OVERLAP_LAYERS:
            yield model, partial(esm_curve, data, model, word, "dimension")
            yield model, partial(esm_curve, data, model, word, "label_overlap")
        elif not results:
            yield model, partial(igpt_dimension, source, data, model, word)
            yield model, partial(igpt_overlap, source, data, model, word)


def _tables(results: Path, split: str) -> list[Tables]:
    """What is read: all iGPTs on ImageNet (missing ones are to be named) unless only others have tables, and the others."""
    there = [tables for tables in tables_in(results) if tables.split == split]
    others = [tables for tables in there if tables.dataset != IMAGENET or tables.word not in OVERLAP_LAYERS]
    wanted = OVERLAP_LAYERS if not others or len(others) < len(there) else ()
    return [*(Tables(results, word, split=split) for word in wanted), *others]


def _name(tables: Tables) -> str:
    """Name in the figures; published curves are of ImageNet, so that other images are named."""
    model = NAMES.get(tables.word, tables.word)
    return model if tables.dataset == IMAGENET else f"{model}, {tables.dataset}"
