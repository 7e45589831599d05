"""What is known before an extraction writes."""

import pytest

from dimscope.errors import UsageError
from dimscope.inputs.examples import read_examples
from dimscope.pipeline.extract import extract
from dimscope.pipeline.reading import open_reading
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder


@pytest.mark.parametrize("pool", ["mean", "mean,last", "tokens"])
def test_the_sizes_are_those_of_the_files(small, bert, tmp_path, pool):
    config = small(bert, pool=pool, layers="1:3")
    reading = open_reading(config, read_examples(config.data), Silent(), block_rows=16)
    extract(config, RunFolder(tmp_path / "run"), Silent())
    found = {path.stem: path.stat().st_size for path in (tmp_path / "run" / "states").glob("*.npy")}
    assert reading.state_bytes == found
    assert reading.size == f"60 examples, {len(found)} layers"
    assert reading.plan.by_token == (pool == "tokens")


def test_what_is_wrong_is_found_here(small, bert):
    config = small(bert, layers="7")
    with pytest.raises(UsageError, match="7"):
        open_reading(config, read_examples(config.data), Silent(), block_rows=16)
