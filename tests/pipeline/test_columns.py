"""Columns of the examples, read from points.parquet."""

import os

import pandas
import pytest

from dimscope.config import RunConfig, config_from
from dimscope.engines.shared import share
from dimscope.errors import InputError
from dimscope.pipeline.columns import Setting, columns_of, groups_of, point_column, rows_of_examples

APART = config_from({"measure": {"exclude_group": True}})


@pytest.fixture
def path(tmp_path):
    """Five rows of three examples; one has no group."""
    frame = {
        "example": ["a", "a", "b", "c", "c"],
        "label": ["x", "y", "x", "y", "x"],
        "group": ["g", "g", None, "h", "h"],
    }
    pandas.DataFrame(frame).to_parquet(tmp_path / "points.parquet")
    return tmp_path / "points.parquet"


def test_a_column_with_gaps_is_none(path):
    assert point_column(path, "label") == ["x", "y", "x", "y", "x"]
    assert point_column(path, "group") is None


def test_groups_count_only_where_they_are_asked_for(path):
    assert groups_of(RunConfig(), path) is None
    with pytest.raises(InputError, match=r"^--exclude-group was asked for, but the examples have no groups; name their column"):
        groups_of(APART, path)


def test_rows_of_examples(path):
    assert [rows.tolist() for rows in rows_of_examples(path)] == [[0, 1], [2], [3, 4]]


def test_columns_of_a_setting(path):
    found = columns_of(Setting(RunConfig(), share(path), by_prompt=True))
    assert found.labels == ["x", "y", "x", "y", "x"]
    assert found.groups is None
    assert [rows.tolist() for rows in found.prompts] == [[0, 1], [2], [3, 4]]
    assert columns_of(Setting(RunConfig(), share(path), by_prompt=False)).prompts is None


def test_a_file_that_was_written_again_is_read_again(path):
    setting = Setting(RunConfig(), share(path), by_prompt=False)
    assert columns_of(setting) is columns_of(setting)
    first, before = columns_of(setting), path.stat()
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert columns_of(setting) is not first
