"""points.parquet: one row per example, per token, or per point of which nothing is known."""

import numpy as np
from pyarrow import parquet

from dimscope.inputs.base import Examples
from dimscope.models.tokens import TokenizedTexts
from dimscope.pipeline.points import SNIPPET, write_example_rows, write_plain_rows, write_token_rows
from dimscope.store.folder import RunFolder

EXAMPLES = Examples(["a", "b", "c"], ["one two", "x" * (SNIPPET + 9), "one two"], labels=["p", "q", "p"])
CONTENT = [np.array([False, True, True]), np.array([False, True]), np.array([False, True, True])]
TOKENS = TokenizedTexts(
    [np.array([1, 5, 6]), np.array([1, 7]), np.array([1, 5, 6])], CONTENT, np.array([False, True, False]), np.array([0, 1, 0])
)


class Words:
    """Names each token by its number."""

    def batch_decode(self, rows):
        return ["".join(f"<{token}>" for token in row) for row in rows]


def written(folder):
    return parquet.read_table(folder.points).to_pydict()


def test_examples(tmp_path):
    write_example_rows(RunFolder(tmp_path), EXAMPLES, TOKENS)
    assert written(RunFolder(tmp_path)) == {
        "id": ["a", "b", "c"], "label": ["p", "q", "p"], "group": [None] * 3, "n_tokens": [3, 2, 3],
        "truncated": [False, True, False], "text": ["one two", "x" * SNIPPET, "one two"], "duplicate_of": ["a", "b", "a"],
    }  # fmt: skip


def test_tokens_stand_between_their_neighbours(tmp_path):
    write_token_rows(RunFolder(tmp_path), EXAMPLES, TOKENS, Words())
    found = written(RunFolder(tmp_path))
    assert found["id"] == ["a:1", "a:2", "b:1", "c:1", "c:2"]
    assert found["group"] == found["example"] == ["a", "a", "b", "c", "c"]
    assert found["text"] == ["<1>[<5>]<6>", "<1><5>[<6>]", "<1>[<7>]", "<1>[<5>]<6>", "<1><5>[<6>]"]
    assert found["token"] == ["<5>", "<6>", "<7>", "<5>", "<6>"]


def test_without_a_tokenizer_the_text_is_that_of_the_example(tmp_path):
    write_token_rows(RunFolder(tmp_path), EXAMPLES, TOKENS, None)
    found = written(RunFolder(tmp_path))
    assert found["text"][:2] == ["one two", "one two"]
    assert found["token"] == [""] * 5


def test_points_of_which_nothing_is_known(tmp_path):
    write_plain_rows(RunFolder(tmp_path), 2, ["x", "y"])
    expected = {"id": ["0", "1"], "label": ["x", "y"], "group": [None, None], "text": [None, None]}
    assert written(RunFolder(tmp_path)) == expected
    write_plain_rows(RunFolder(tmp_path), 2, None)
    assert written(RunFolder(tmp_path)) == {**expected, "label": [None, None]}
