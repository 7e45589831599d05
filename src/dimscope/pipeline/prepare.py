"""From examples of any kind to what a model reads of them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from dimscope.arrays import IntArray
from dimscope.config import ModelConfig, RunConfig, pools_of
from dimscope.errors import InputError, UsageError
from dimscope.inputs.audio import samples_at
from dimscope.inputs.base import Examples
from dimscope.inputs.contents import Contents, FileContents
from dimscope.inputs.image_arrays import read_clusters
from dimscope.models.controls import with_fresh_weights, with_shuffled_tokens
from dimscope.models.images import prepare_images
from dimscope.models.load import LoadedModel, load_model
from dimscope.models.modality import COLOR_MODEL, EXAMPLES
from dimscope.models.positions import choose_tokens, sample_tokens
from dimscope.models.prepared import Prepared
from dimscope.models.residues import spell_residues
from dimscope.models.sounds import prepare_sounds
from dimscope.models.token_arrays import color_processor, color_rows, tokenize_rows
from dimscope.models.tokens import TokenizedTexts, tokenize
from dimscope.pipeline.limits import refuse_few
from dimscope.progress import Progress


def prepare(config: RunConfig, examples: Examples, progress: Progress, control: str = "") -> tuple[LoadedModel, Prepared]:
    """The model, and the examples as it reads them.

    Args:
        config: what to read, and how many neighbours there must be.
        examples: of any kind.
        progress: told before the model is loaded.
        control: `untrained` gives the model fresh weights, `shuffled` puts the tokens of each example in random order.

    Raises:
        InputError: too few examples, or examples that cannot be read.
        ModelError: the model cannot be loaded or read.
        UsageError: options that examples of this kind do not have, or a model that reads examples of another kind.
    """
    by_token, what = pools_of(config.model.pool) == ("tokens",), EXAMPLES[examples.kind]
    _refuse_options(config, examples.kind)
    if not by_token:
        refuse_few(len(examples), config.measure.k, "examples")
    progress.message(f"loading {config.model.name}")
    loaded = load_model(config.model, examples.kind)
    tokens = _READINGS[examples.kind](loaded, examples, config.model)
    if "shuffled" in (control, *config.measure.control) and not isinstance(tokens, TokenizedTexts):
        raise UsageError(f"--control shuffled puts tokens in random order, but the examples are {what}; leave it out.")
    tokens = choose_tokens(tokens, examples.ids, config.model.pool, config.model.skip_first)
    if control == "untrained" or config.model.untrained:
        loaded = with_fresh_weights(loaded, config.data.seed)
    if control == "shuffled" and isinstance(tokens, TokenizedTexts):
        tokens = with_shuffled_tokens(tokens, config.data.seed)
    if by_token:
        tokens = sample_tokens(tokens, config.model.tokens, config.data.seed)
        refuse_few(sum(int(mask.sum()) for mask in tokens.content), config.measure.k, "tokens")
        return loaded, tokens
    n_distinct = len(np.unique(tokens.duplicate_of))
    if n_distinct == 1 and examples.kind in ("text", "protein") and len(set(examples.texts)) > 1:
        raise InputError(
            f"all {len(examples)} {tokens.unit} become the same tokens; {config.model.name} seems to know none of their words. "
            "Is it a model for such data?"
        )
    refuse_few(n_distinct, config.measure.k, f"distinct {tokens.unit}")
    return loaded, tokens


def _refuse_options(config: RunConfig, kind: str) -> None:
    if kind in ("image", "audio") and config.model.max_tokens is not None:
        raise UsageError(f"--max-tokens truncates texts; the examples are {EXAMPLES[kind]}, leave it out.")
    if kind != "image" and config.model.clusters is not None:
        raise UsageError(f"--clusters turns images into tokens; the examples are {EXAMPLES[kind]}, leave it out.")


def _read_texts(loaded: LoadedModel, examples: Examples, config: ModelConfig) -> TokenizedTexts:
    texts = examples.texts if examples.kind == "text" else spell_residues(loaded.tokenizer, examples.texts)
    return tokenize(loaded, texts, examples.ids, config.special_tokens, config.pool)


def _read_token_ids(loaded: LoadedModel, examples: Examples, config: ModelConfig) -> TokenizedTexts:
    return tokenize_rows(loaded, _contents(examples).read, examples.ids, special=config.special_tokens)


def _read_images(loaded: LoadedModel, examples: Examples, config: ModelConfig) -> Prepared:
    read = _contents(examples).read
    if loaded.model.config.model_type == COLOR_MODEL:
        clusters = read_clusters(Path(config.clusters)) if config.clusters is not None else None
        processor = color_processor(loaded, clusters, config.clusters or "")
        colors = list(color_rows(read, len(examples), processor))
        return tokenize_rows(loaded, colors.__getitem__, examples.ids, special=config.special_tokens)
    if config.clusters is not None:
        raise UsageError(f"--clusters is for an ImageGPT; {loaded.name} is a {loaded.model.config.model_type}. Leave it out.")
    first = first_equal(_contents(examples))
    return prepare_images(loaded, read, examples.ids, first, special=config.special_tokens, pool=config.pool)


def _read_sounds(loaded: LoadedModel, examples: Examples, config: ModelConfig) -> Prepared:
    contents, rate = _contents(examples), int(loaded.processor.sampling_rate)
    assert isinstance(contents, FileContents)
    n_samples = np.array([samples_at(path, rate) for path in contents.paths])

    def read(row: int) -> np.ndarray:
        samples: np.ndarray = contents.read(row).at(rate)
        return samples

    return prepare_sounds(loaded, read, n_samples, examples.ids, first_equal(contents), pool=config.pool)


_READINGS: Mapping[str, Callable[[LoadedModel, Examples, ModelConfig], Prepared]] = {
    "text": _read_texts,
    "protein": _read_texts,
    "tokens": _read_token_ids,
    "image": _read_images,
    "audio": _read_sounds,
}
"""Kind of examples -> how a model reads them."""


def _contents(examples: Examples) -> Contents:
    assert examples.contents is not None
    return examples.contents


def first_equal(contents: Contents) -> IntArray:
    """For each example the first one with the same stored bytes, shape (n,)."""
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(contents.digest(row), row) for row in range(len(contents))], dtype=np.int64)
