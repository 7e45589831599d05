"""Engines by name."""

import pytest

from dimscope.engines import ENGINES, HERE, open_engine
from dimscope.errors import UsageError


def test_the_engine_of_one_process_is_the_default():
    with open_engine() as engine:
        assert engine.name == HERE.name == "local"
    assert list(ENGINES) == ["local", "dask"]


def test_unknown_engines_and_numbers_of_workers():
    with pytest.raises(UsageError, match=r'unknown engine "dusk"\. Did you mean "dask"\?'):
        open_engine("dusk")
    with pytest.raises(UsageError, match="--workers 0 was asked for; it must be at least 1"):
        open_engine("dask", workers=0)
