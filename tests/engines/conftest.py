"""Two worker processes on this machine, once for all tests that leave them as they are."""

import pytest

from dimscope.engines import open_engine


@pytest.fixture(scope="session")
def pair():
    """An engine with two worker processes."""
    with open_engine("dask", workers=2) as engine:
        yield engine
