"""What the libraries say when a model cannot be loaded, in words for users; whether the hub can be reached."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pickle import UnpicklingError

from safetensors import SafetensorError

from dimscope.errors import DimscopeError, ModelError

HUB_SECONDS = 10.0
"""How long the hub may take to answer whether it has a model, before the local cache is tried alone."""
REASONS: Mapping[tuple[str, ...], str] = {
    ("trust_remote_code",): "it needs code of its own, which dimscope never runs; choose a model that transformers knows",
    ("file named model.safetensors",): (
        "it has no safetensors weights; convert them, or say --allow-pickle if you trust their source"
    ),
    ("ignore_mismatched_sizes",): "its weights have other shapes than its config.json says; they belong to another model",
    ("preprocessor_config.json", "feature extractor"): "it has no preprocessor_config.json that can be read",
    ("backend tokenizer", "load tokenizer"): "it has no tokenizer files that can be read, for example a tokenizer.json",
}
"""What stands in the message of a library -> what it means for the user; anything else is passed on."""
DAMAGED = (SafetensorError, UnpicklingError, EOFError)
"""What the readers of safetensors and pickles raise for a file that they do not understand."""
HUB_REASONS: Mapping[tuple[str, ...], str] = {
    ("connect", "offline", "Connection", "resolve"): (
        "the hub cannot be reached and the model is not in the local cache; download it where there is a network, or give "
        "the path of a local folder"
    ),
    ("Not Found", "not a valid model identifier", "Repo id", "gated"): (
        "there is no such folder here and no such model on the hub; check the spelling, or log in if it is private"
    ),
}
"""The same for names that are no folders."""


def is_on_hub(name: str, revision: str) -> bool:
    """True when the hub answers for this model within seconds; False when it cannot be reached (then the cache is all)."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        HfApi().model_info(name, revision=revision, timeout=HUB_SECONDS)
    except (HFValidationError, RepositoryNotFoundError, RevisionNotFoundError):
        raise
    except Exception:  # whatever HTTP library the hub's client uses, it raises errors of its own
        return False
    return True


@contextmanager
def explained_loading(what: str, is_folder: bool) -> Iterator[None]:
    """Turn whatever a library raises when it reads a model into one sentence.

    Raises:
        ModelError: what could not be loaded, and why.
    """
    try:
        yield
    except DimscopeError:
        raise
    except DAMAGED as error:
        why = "its weights file is damaged or holds something else than tensors; copy or download it again"
        raise ModelError(f"{what} cannot be loaded: {why}.") from error
    except Exception as error:  # transformers and tokenizers raise many kinds
        text = str(error).strip()
        reasons = REASONS if is_folder else {**REASONS, **HUB_REASONS}
        known = (reason for signs, reason in reasons.items() if any(sign in text for sign in signs))
        why = next(known, _first_sentence(error, text))
        raise ModelError(f"{what} cannot be loaded: {why.rstrip('.')}.") from error


def _first_sentence(error: Exception, text: str) -> str:
    """What the message of a library says first; a key alone says nothing."""
    if not text:
        return type(error).__name__
    if isinstance(error, KeyError):
        return f"its files say {text}, which transformers does not know"
    first, *further = (line.strip() for line in text.splitlines() if line.strip())
    return f"{first} {further[0]}" if first.endswith(":") and further else first
