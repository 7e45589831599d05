"""The engine of one process."""

import math

import pytest

from dimscope.engines import HERE, open_engine
from dimscope.errors import UsageError


def test_tasks_one_after_another():
    taken = []

    def tasks():
        for number in (4, 9, 16):
            taken.append(number)
            yield number

    answers = HERE.map(math.sqrt, tasks())
    assert next(answers) == (0, 2.0)
    assert taken == [4]
    assert list(answers) == [(1, 3.0), (2, 4.0)]
    assert (HERE.is_remote, HERE.n_workers, HERE.facts) == (False, 1, {"name": "local"})


@pytest.mark.parametrize(("options", "named"), [({"address": "tcp://x:1"}, "--address"), ({"workers": 2}, "--workers")])
def test_options_of_clusters_are_refused(options, named):
    with pytest.raises(UsageError, match=f"^{named} was given, but the work is done in this process; add --engine dask"):
        open_engine("local", **options)
