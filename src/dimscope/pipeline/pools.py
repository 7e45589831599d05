"""Several poolings of one run: the first fills the run folder, each other one a run folder of its own below `pools/`."""

from dataclasses import replace

from dimscope.config import RunConfig, pools_of
from dimscope.store.folder import RunFolder


def split_pools(config: RunConfig, folder: RunFolder) -> list[tuple[RunConfig, RunFolder]]:
    """Each pooling with the configuration that is its alone, and its run folder.

    So a run with several poolings holds the same files as runs with one each, and a pooling that is asked for later is added.

    Examples:
        `mean,last` gives `mean` in the folder itself and `last` in `pools/last`; `position:3` stands in `pools/position_3`.
    """
    first, *others = pools_of(config.model.pool)
    return [
        (with_pool(config, first), folder),
        *((with_pool(config, pool), RunFolder(folder.pools / pool.replace(":", "_"))) for pool in others),
    ]


def with_pool(config: RunConfig, pool: str) -> RunConfig:
    """The same configuration with this pooling."""
    return replace(config, model=replace(config.model, pool=pool))
