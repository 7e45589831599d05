"""What libraries raise, in words for users."""

import pytest

from dimscope.errors import ModelError, UsageError
from dimscope.models.hub import explained_loading


@pytest.mark.parametrize(
    ("error", "is_folder", "text"),
    [
        (
            OSError("We couldn't connect to 'https://huggingface.co'"),
            False,
            "the hub cannot be reached and the model is not in",
        ),
        (OSError("We couldn't connect.\nMore."), True, "We couldn't connect."),
        (ValueError("set trust_remote_code=True"), True, "it needs code of its own, which dimscope never runs"),
        (EOFError("Ran out of input"), True, "its weights file is damaged or holds something else than tensors"),
        (KeyError(), True, "KeyError."),
        (KeyError("swoosh"), True, "its files say 'swoosh', which transformers does not know."),
        (TypeError("Error for field 'n':\n    TypeError: got str\n  more"), True, "Error for field 'n': TypeError: got str."),
    ],
)
def test_one_sentence_each(error, is_folder, text):
    with pytest.raises(ModelError, match=r"^the model cannot be loaded: ") as caught, explained_loading("the model", is_folder):
        raise error
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_own_errors_pass():
    with pytest.raises(UsageError, match=r"^own$"), explained_loading("the model", True):
        raise UsageError("own")
