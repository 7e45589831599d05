"""The library of models says nothing by itself, and its settings come back."""

import pytest
import transformers

from dimscope.models.silence import silent_transformers


@pytest.fixture
def settings():
    """What a user has set, put back after the test."""
    level, bars = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_info()
    transformers.logging.enable_progress_bar()
    yield
    transformers.logging.set_verbosity(level)
    if not bars:
        transformers.logging.disable_progress_bar()


def test_bars_and_advice_are_off_inside_and_back_outside(settings):
    with silent_transformers():
        assert transformers.logging.get_verbosity() == transformers.logging.ERROR
        assert not transformers.logging.is_progress_bar_enabled()
    assert transformers.logging.get_verbosity() == transformers.logging.INFO
    assert transformers.logging.is_progress_bar_enabled()


def test_an_error_puts_them_back_as_well(settings):
    with pytest.raises(ValueError, match="inside"), silent_transformers():
        raise ValueError("inside")
    assert transformers.logging.is_progress_bar_enabled()


def test_bars_that_were_off_stay_off(settings):
    transformers.logging.disable_progress_bar()
    with silent_transformers():
        pass
    assert not transformers.logging.is_progress_bar_enabled()
