"""From texts to batches: what is cut, dropped, doubled or padded."""

import numpy as np
import pytest
import torch

from dimscope.config import ModelConfig
from dimscope.errors import InputError, ModelError, UsageError
from dimscope.models.load import LoadedModel, load_model
from dimscope.models.tokens import tokenize, vocabulary_size
from tiny import MAX_TOKENS, SPECIAL, VOCABULARY, make_tokenizer, save_model

PAD, CLS, SEP, UNK, _ = range(len(SPECIAL))


def words(n):
    return " ".join(f"w{number % 60}" for number in range(n))


@pytest.fixture(scope="module")
def encoder(bert):
    return load_model(ModelConfig(name=str(bert)))


@pytest.fixture(scope="module")
def decoder(gpt2):
    return load_model(ModelConfig(name=str(gpt2)))


def read(loaded, texts, special="exclude", pool="mean"):
    return tokenize(loaded, texts, [f"id{row}" for row in range(len(texts))], special, pool)


def as_lists(tokens):
    return [row.tolist() for row in tokens.ids], [row.astype(int).tolist() for row in tokens.content]


@pytest.mark.parametrize(("special", "ends"), [("exclude", 0), ("include", 1)])
def test_special_tokens_are_read_and_count_when_asked(encoder, special, ends):
    ids, content = as_lists(read(encoder, ["w0 w2", "w5"], special))
    assert ids == [[CLS, 5, 7, SEP], [CLS, 10, SEP]]
    assert content == [[ends, 1, 1, ends], [ends, 1, ends]]


@pytest.mark.parametrize("special", ["exclude", "include"])
def test_a_tokenizer_without_special_tokens(decoder, special):
    assert as_lists(read(decoder, ["w0 w2", "w5"], special)) == ([[5, 7], [10]], [[1, 1], [1]])


def test_unknown_words_count(encoder):
    assert as_lists(read(encoder, ["w0 nonsense"])) == ([[CLS, 5, UNK, SEP]], [[0, 1, 1, 0]])


@pytest.mark.parametrize(("n_words", "cut"), [(37, False), (38, False), (39, True), (90, True)])
def test_longer_texts_are_cut_and_flagged(encoder, n_words, cut):
    tokens = read(encoder, [words(3), words(n_words)])
    assert tokens.truncated.tolist() == [False, cut]
    assert len(tokens.ids[1]) == min(n_words + 2, MAX_TOKENS)
    assert tokens.ids[1][0] == CLS and tokens.ids[1][-1] == SEP
    assert tokens.ids[1][1:-1].tolist() == [5 + number for number in range(min(n_words, MAX_TOKENS - 2))]


def test_a_lower_limit_cuts_earlier(bert):
    loaded = load_model(ModelConfig(name=str(bert), max_tokens=5))
    tokens = read(loaded, [words(3), words(4)])
    assert tokens.truncated.tolist() == [False, True]
    assert as_lists(tokens)[0] == [[CLS, 5, 6, 7, SEP], [CLS, 5, 6, 7, SEP]]
    assert tokens.duplicate_of.tolist() == [0, 0]  # what the model reads is the same


@pytest.mark.parametrize("limit", [1, 2])
def test_a_limit_that_leaves_no_content_is_refused(bert, limit):
    loaded = load_model(ModelConfig(name=str(bert), max_tokens=limit))
    with pytest.raises(UsageError, match=rf"--max-tokens {limit} leaves no room: .* adds 2 special tokens to each text"):
        read(loaded, [words(3)])


def test_many_texts_are_read_in_chunks_and_stay_in_order(encoder, monkeypatch):
    texts = [words(1 + row % 50) for row in range(23)]
    whole = read(encoder, texts)
    monkeypatch.setattr("dimscope.models.tokens.TOKENIZE_CHUNK", 4)
    chunked = read(encoder, texts)
    assert as_lists(chunked) == as_lists(whole)
    assert chunked.truncated.tolist() == whole.truncated.tolist() == [len(text.split()) > 38 for text in texts]


def test_equal_texts_point_to_the_first(encoder):
    tokens = read(encoder, ["w1 w2", "w3", "w1   w2", "w3", "w2 w1", "w1 w2"])
    assert tokens.duplicate_of.tolist() == [0, 1, 0, 1, 4, 0]
    assert tokens.lengths.tolist() == [4, 3, 4, 3, 4, 4]


def test_texts_without_content_are_named(encoder):
    texts = ["w1", " \t ", "w2", "\n", *[" "] * 5]
    with pytest.raises(InputError, match=r"^7 of 9 texts are empty after tokenising \(ids id1, id3, id4, id5, id6, \.\.\.\)\."):
        read(encoder, texts)
    assert read(encoder, texts, special="include").lengths.tolist() == [3, 2, 3, *[2] * 6]


def test_texts_without_any_token_are_refused_even_with_special_tokens(decoder):
    with pytest.raises(InputError, match=r"1 of 2 texts are empty after tokenising \(ids id1\)"):
        read(decoder, ["w1", " "], special="include")


def test_cls_needs_a_token_in_front(encoder, decoder):
    assert read(encoder, ["w1"], pool="cls").ids[0][0] == CLS
    with pytest.raises(
        InputError, match=r"--pool cls was asked for, but the tokenizer of .* puts no CLS or BOS token in front"
    ):
        read(decoder, ["w1"], pool="cls")


def test_tokens_that_the_model_does_not_know_are_refused(bert, encoder):
    tokenizer = make_tokenizer(with_special=True)
    tokenizer.add_tokens([f"new{number}" for number in range(3)])
    loaded = LoadedModel(encoder.model, tokenizer, "mine", "", MAX_TOKENS, torch.device("cpu"), "float32")
    assert read(loaded, ["w1 w59"]).lengths.tolist() == [4]
    known = len(VOCABULARY)
    text = f"the tokenizer of mine makes token {known + 2}, the model has embeddings of tokens 0 to {known - 1}; they do not"
    with pytest.raises(ModelError, match=text):
        read(loaded, ["w1", "new2 w1"])


def test_a_model_that_does_not_say_its_vocabulary():
    assert vocabulary_size(torch.nn.Linear(2, 2)) is None


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_batch_is_padded_on_its_side(encoder, side):
    tokens = read(encoder, ["w0", "w1 w2 w3"])
    batch = tokens.make_batch(encoder, np.array([0, 1]), side)
    short, places = [CLS, 5, SEP], slice(0, 3) if side == "right" else slice(2, 5)
    ids, mask, content = np.full(5, PAD), np.zeros(5), np.zeros(5)
    ids[places], mask[places], content[places] = short, 1, [0, 1, 0]
    assert batch.inputs["input_ids"].tolist() == [ids.tolist(), [CLS, 6, 7, 8, SEP]]
    assert batch.mask.tolist() == batch.inputs["attention_mask"].tolist() == [mask.tolist(), [1] * 5]
    assert batch.content.tolist() == [content.tolist(), [0, 1, 1, 1, 0]]


def test_left_padding_numbers_positions_from_the_first_token(encoder, decoder):
    for loaded in (encoder, decoder):
        tokens = read(loaded, ["w0", "w1 w2 w3"])
        batch = tokens.make_batch(loaded, np.array([0, 1]), "left")
        n_short, n_long = tokens.lengths
        assert batch.inputs["position_ids"].tolist() == [[0] * (n_long - n_short) + list(range(n_short)), list(range(n_long))]
        assert "position_ids" not in tokens.make_batch(loaded, np.array([0, 1]), "right").inputs


def test_a_model_that_counts_positions_itself_is_padded_with_what_it_skips(tmp_path):
    """RoBERTa numbers the tokens that differ from its padding index, whatever the tokenizer calls padding."""
    loaded = load_model(ModelConfig(name=str(save_model("roberta", tmp_path))))
    loaded.tokenizer.pad_token = "[MASK]"
    batch = read(loaded, ["w0", "w1 w2"]).make_batch(loaded, np.array([0, 1]), "left")
    assert "position_ids" not in batch.inputs
    assert batch.inputs["input_ids"][0].tolist() == [loaded.model.embeddings.padding_idx, CLS, 5, SEP]


@pytest.mark.parametrize("pad", [None, 9999], ids=["no padding token", "one that the model does not know"])
def test_the_padding_token_may_be_missing_or_unknown(gpt2, pad):
    loaded = load_model(ModelConfig(name=str(gpt2)))
    loaded.tokenizer.pad_token = None
    if pad is not None:
        loaded.tokenizer.add_special_tokens({"pad_token": "[NEW]"})
        assert loaded.tokenizer.pad_token_id >= len(VOCABULARY)
    batch = read(loaded, ["w0", "w1 w2"]).make_batch(loaded, np.array([0, 1]), "right")
    assert batch.inputs["input_ids"].tolist() == [[5, 0], [6, 7]]


def test_another_side_is_refused(encoder):
    with pytest.raises(UsageError, match=r'unknown padding "top"\.  All: left, right'):
        read(encoder, ["w0"]).make_batch(encoder, np.array([0]), "top")
