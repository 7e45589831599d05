"""From texts to batches of token ids."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from dimscope.arrays import IntArray
from dimscope.config import pools_of
from dimscope.errors import InputError, ModelError, UsageError, first_of
from dimscope.models.load import LoadedModel, counts_positions_itself
from dimscope.models.prepared import Batch

TOKENIZE_CHUNK = 256
"""Texts tokenised at once: what tokenizers return of them is a hundred bytes per token, until it is copied."""


@dataclass(frozen=True, eq=False)
class TokenizedTexts:
    """Token ids of every text, special tokens included.

    Attributes:
        ids: one int64 array per text.
        content: one boolean array per text: True where the token counts for pooling.
        truncated: shape (n,): True for texts that were longer than the limit.
        duplicate_of: shape (n,): the first text with the same token ids; they share one forward pass and so equal vectors.
        special: one boolean array per text: True where the tokenizer put a token of its own.
        unit: how messages call the examples.
    """

    ids: list[IntArray]
    content: list[np.ndarray]
    truncated: np.ndarray
    duplicate_of: IntArray
    special: list[np.ndarray] = field(default_factory=list)
    unit: str = "texts"
    is_padded = True

    @property
    def lengths(self) -> IntArray:
        """Tokens per text, shape (n,)."""
        return np.array([len(ids) for ids in self.ids], dtype=np.int64)

    def with_content(self, content: list[np.ndarray]) -> "TokenizedTexts":
        """The same texts with other tokens that count."""
        return replace(self, content=content)

    def make_batch(self, loaded: LoadedModel, rows: IntArray, padding: str, length: int | None = None) -> Batch:
        """The texts `rows` padded on the side `padding` to their longest, or to `length` tokens."""
        if padding not in ("right", "left"):
            raise UsageError(f'unknown padding "{padding}".  All: left, right')
        longest = length or int(max(len(self.ids[row]) for row in rows))
        ids = np.full((len(rows), longest), _filler(loaded), dtype=np.int64)
        mask = np.zeros((len(rows), longest), dtype=np.int64)
        content = np.zeros((len(rows), longest), dtype=np.int64)
        for line, row in enumerate(rows):
            n_tokens = len(self.ids[row])
            place = slice(longest - n_tokens, longest) if padding == "left" else slice(0, n_tokens)
            ids[line, place], mask[line, place], content[line, place] = self.ids[row], 1, self.content[row]
        to_device = {"ids": ids, "mask": mask, "content": content}
        moved = {name: torch.from_numpy(array).to(loaded.device) for name, array in to_device.items()}
        inputs = {"input_ids": moved["ids"], "attention_mask": moved["mask"]}
        if padding == "left" and _takes_positions(loaded.model):
            inputs["position_ids"] = (moved["mask"].cumsum(dim=1) - 1).clamp(min=0)
        return Batch(inputs, moved["mask"], moved["content"])


def tokenize(loaded: LoadedModel, texts: Sequence[str], names: Sequence[str], special: str, pool: str) -> TokenizedTexts:
    """The texts as the model will read them, truncated to the limit and counted.

    Raises:
        InputError: texts without a content token (they are named), or `cls` with a tokenizer that puts no token in front.
        ModelError: tokens that the model does not know.
        UsageError: a limit that holds the special tokens and nothing else.
    """
    _refuse_no_room(loaded)
    ids: list[IntArray] = []
    content: list[np.ndarray] = []
    special_tokens: list[np.ndarray] = []
    truncated: list[np.ndarray] = []
    for start in range(0, len(texts), TOKENIZE_CHUNK):
        chunk = list(texts[start : start + TOKENIZE_CHUNK])
        found = _encode(loaded, chunk)
        ids += [np.array(row, dtype=np.int64) for row in found["input_ids"]]
        masks = [np.array(row, dtype=bool) for row in found["special_tokens_mask"]]
        special_tokens += masks
        content += [np.ones_like(mask) if special == "include" else ~mask for mask in masks]
        truncated.append(_is_truncated(loaded, chunk, found["input_ids"]))
    _refuse_unknown(loaded, ids)
    _refuse_empty(content, names)
    if "cls" in pools_of(pool):
        _refuse_missing_cls(loaded, ids)
    return TokenizedTexts(ids, content, np.concatenate(truncated), same_tokens(ids), special_tokens)


def _encode(loaded: LoadedModel, texts: list[str], limit: bool = True) -> Any:
    options = {"truncation": True, "max_length": loaded.max_tokens} if limit else {"truncation": False, "verbose": False}
    return loaded.tokenizer(
        texts, add_special_tokens=True, return_special_tokens_mask=True, return_attention_mask=False, **options
    )


def _is_truncated(loaded: LoadedModel, texts: list[str], ids: list[list[int]]) -> np.ndarray:
    full = [row for row, found in enumerate(ids) if len(found) >= loaded.max_tokens]
    flags = np.zeros(len(texts), dtype=bool)
    if full:
        whole = _encode(loaded, [texts[row] for row in full], limit=False)["input_ids"]
        flags[full] = [len(found) > len(ids[row]) for row, found in zip(full, whole, strict=True)]
    return flags


def _refuse_no_room(loaded: LoadedModel) -> None:
    added = loaded.tokenizer.num_special_tokens_to_add()
    if added >= loaded.max_tokens:
        raise UsageError(
            f"--max-tokens {loaded.max_tokens} leaves no room: the tokenizer of {loaded.name} adds {added} special tokens to "
            f"each text; choose {added + 1} or more."
        )


def _refuse_empty(content: list[np.ndarray], names: Sequence[str]) -> None:
    empty = [names[row] for row, mask in enumerate(content) if not mask.any()]
    if empty:
        raise InputError(
            f"{len(empty)} of {len(content)} texts are empty after tokenising (ids {first_of(empty)}). Remove them from the "
            "data, or choose --special-tokens include to pool over special tokens too."
        )


def _refuse_unknown(loaded: LoadedModel, ids: list[IntArray]) -> None:
    known = vocabulary_size(loaded.model)
    largest = max((int(row.max()) for row in ids if len(row)), default=0)
    if known is not None and largest >= known:
        raise ModelError(
            f"the tokenizer of {loaded.name} makes token {largest}, the model has embeddings of tokens 0 to {known - 1}; "
            "they do not belong together."
        )


def _refuse_missing_cls(loaded: LoadedModel, ids: list[IntArray]) -> None:
    first = {loaded.tokenizer.cls_token_id, loaded.tokenizer.bos_token_id} - {None}
    if not first or any(int(row[0]) not in first for row in ids):
        raise InputError(
            f"--pool cls was asked for, but the tokenizer of {loaded.name} puts no CLS or BOS token in front of a text; "
            "choose --pool mean or --pool last."
        )


def same_tokens(ids: list[IntArray]) -> IntArray:
    """For each text the first one with the same token ids, shape (n,)."""
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(row.tobytes(), number) for number, row in enumerate(ids)], dtype=np.int64)


def _filler(loaded: LoadedModel) -> int:
    """The token of padded places: the one that the embeddings skip when they count positions, or any that is known."""
    skipped = getattr(getattr(loaded.model, "embeddings", None), "padding_idx", None)
    if counts_positions_itself(loaded.model) and isinstance(skipped, int):
        return skipped
    token, known = getattr(loaded.tokenizer, "pad_token_id", None), vocabulary_size(loaded.model)
    return token if isinstance(token, int) and (known is None or token < known) else 0


def vocabulary_size(model: Any) -> int | None:
    """Number of tokens that the model has embeddings of, or None when it does not say."""
    try:
        return int(model.get_input_embeddings().weight.shape[0])
    except (AttributeError, NotImplementedError):
        return None


def _takes_positions(model: Any) -> bool:
    return "position_ids" in inspect.signature(model.forward).parameters and not counts_positions_itself(model)
