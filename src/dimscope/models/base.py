"""Where the representations of an architecture are."""

from dataclasses import dataclass, field

from dimscope.arrays import Site


@dataclass(frozen=True)
class Family:
    """Module paths inside the headless model of one architecture.

    Attributes:
        blocks: path of the list of blocks.
        final_norm: path of the norm after the last block, or None when the architecture has none.
        repeats_blocks: the listed blocks are called several times each (shared weights); layers are counted by calls.
        tokens_first: the blocks read states (tokens, examples, width).
    """

    blocks: str
    final_norm: str | None = None
    repeats_blocks: bool = False
    tokens_first: bool = False


@dataclass(frozen=True)
class LayerName:
    """One position at which vectors are read.

    Attributes:
        site: the kind of place.
        index: 0 is the input of the first block, l the output of block l, the number of blocks the last.
        module: path of the module behind it.
    """

    site: Site
    index: int
    module: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.site}_{self.index:02d}"
