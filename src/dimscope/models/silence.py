"""The libraries of models without their own bars and advice."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import transformers


@contextmanager
def silent_transformers() -> Iterator[None]:
    """Without the progress bars and advice of transformers and accelerate; their settings are put back afterwards."""
    level, placing = transformers.logging.get_verbosity(), logging.getLogger("accelerate")
    placing_level = placing.level
    bars = transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    placing.setLevel(logging.ERROR)
    try:
        yield
    finally:
        transformers.logging.set_verbosity(level)
        placing.setLevel(placing_level)
        if bars:
            transformers.logging.enable_progress_bar()
