"""Sequences are spelled so that each residue is one token that the model knows."""

import pytest
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from dimscope.models.residues import STANDARD, spell_residues

SEQUENCES = ["MKUV", "ACBZO", "XJ", STANDARD]


def make(letters, splitter):
    vocabulary = {"[UNK]": 0, **{letter: number for number, letter in enumerate(letters, start=1)}}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = splitter
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]")


BY_LETTER = pre_tokenizers.Split(Regex("."), "isolated")
BY_SPACE = pre_tokenizers.WhitespaceSplit()


@pytest.mark.parametrize(
    ("letters", "splitter", "expected"),
    [
        (STANDARD + "BJOUXZ", BY_LETTER, SEQUENCES),  # as of ESM-2, which knows every letter
        (STANDARD + "XBUZO", BY_LETTER, ["MKUV", "ACBZO", "XX", STANDARD]),
        (STANDARD + "X", BY_LETTER, ["MKXV", "ACXXX", "XX", STANDARD]),
        (STANDARD, BY_LETTER, SEQUENCES),  # no letter stands for the unknown one
        (STANDARD + "XBUZO", BY_SPACE, ["M K X V", "A C X X X", "X X", " ".join(STANDARD)]),  # as of ProtBert
        (STANDARD, BY_SPACE, ["M K U V", "A C B Z O", "X J", " ".join(STANDARD)]),
        ("A", BY_SPACE, SEQUENCES),  # no tokenizer of residues
    ],
)
def test_each_residue_is_one_token(letters, splitter, expected):
    assert spell_residues(make(letters, splitter), SEQUENCES) == expected


def test_the_tokens_of_both_spellings_are_the_same():
    spaced, joined = make(STANDARD + "X", BY_SPACE), make(STANDARD + "X", BY_LETTER)
    for one, other in zip(spell_residues(spaced, SEQUENCES), spell_residues(joined, SEQUENCES), strict=True):
        assert spaced(one)["input_ids"] == joined(other)["input_ids"]
