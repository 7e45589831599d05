"""Sequences of residues in the spelling that a model was trained on."""

from collections.abc import Sequence
from typing import Any

STANDARD = "ACDEFGHIKLMNPQRSTVWY"
RARE = "BJOUXZ"
UNKNOWN = "X"
SPACED_AS_UNKNOWN = frozenset("BOUZ")
"""What ProtBert and ProtT5 were trained to read as X [Elnaggar et al. 2021, doi:10.1109/TPAMI.2021.3095381]."""


def spell_residues(tokenizer: Any, sequences: Sequence[str]) -> list[str]:
    """The sequences as the tokenizer reads them with one token per residue.

    A tokenizer that makes one known token of each letter gets the sequence as it is; one that does so only for letters
    between spaces gets spaces, and X for B, O, U and Z. Rare letters that it does not know become X in both cases. Any other
    tokenizer, which joins residues to longer tokens, gets the sequence as it is.

    Examples:
        a ProtBert reads `MKUV` as `M K X V`, an ESM-2 as `MKUV`.
    """
    gap = next((gap for gap in ("", " ") if _reads_each(tokenizer, STANDARD, gap)), None)
    if gap is None or not _reads_each(tokenizer, UNKNOWN, gap):
        return list(sequences) if gap != " " else [" ".join(sequence) for sequence in sequences]
    unknown = [letter for letter in RARE if (gap and letter in SPACED_AS_UNKNOWN) or not _reads_each(tokenizer, letter, gap)]
    table = str.maketrans(dict.fromkeys(unknown, UNKNOWN))
    return [gap.join(sequence.translate(table)) for sequence in sequences]


def _reads_each(tokenizer: Any, letters: str, gap: str) -> bool:
    """True when every letter becomes one token of its own, none of them unknown."""
    ids = tokenizer(gap.join(letters), add_special_tokens=False, verbose=False)["input_ids"]
    return len(ids) == len(set(ids)) == len(letters) and tokenizer.unk_token_id not in ids
