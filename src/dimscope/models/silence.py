"""The library of models without its own bars and advice."""

from collections.abc import Iterator
from contextlib import contextmanager

import transformers


@contextmanager
def silent_transformers() -> Iterator[None]:
    """Loading and saving without the library's progress bars and advice; its settings are put back afterwards."""
    level = transformers.logging.get_verbosity()
    bars = transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(level)
        if bars:
            transformers.logging.enable_progress_bar()
