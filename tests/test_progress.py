"""The silent progress takes every call and says nothing."""

import pytest

from dimscope.progress import Silent


def test_says_nothing(capfd):
    progress = Silent()
    with progress.stage("measure", 3) as task:
        task.advance()
        task.advance(2)
    progress.message("hello")
    assert capfd.readouterr() == ("", "")


def test_an_error_passes_through():
    with pytest.raises(ValueError, match="inside"), Silent().stage("measure", 1):
        raise ValueError("inside")
