"""Time and memory of reading all layers of a model: dimscope beside a bare forward pass and the usual ways.

    python benchmarks/extraction.py [--family esm] [--examples 128] [--blocks 12] [--width 256] [--rounds 3]
    python benchmarks/extraction.py --rounds 0 --ways bare dimscope --examples 64 256 1024   # memory by number of examples
    python benchmarks/extraction.py --family gpt2 --ways bare dimscope nnsight TransformerLens

A model of random weights reads random proteins with the lengths of real ones: gamma distributed, mean 354 residues, at most
1022 (1024 tokens). Each way is a process of its own on one thread that reads a tiny case first, uncounted, so that what is
imported when it is first needed is there; then it loads model, tokenizer and data from files, and everything from there on is
counted. The ways take turns, and the fewest processor seconds of the rounds are printed: other work on the machine only adds.
Memory is the peak of private memory above what it was before the model was loaded, sampled every 2 ms in a run of its own in
which the C library gives each large array pages of its own (MALLOC_MMAP_THRESHOLD_): otherwise the peaks of the same way differ
by a factor of two from run to run, by where the allocator happens to leave gaps. `--rounds 0` looks at memory alone,
`--no-memory` at time alone.

- `bare`: the batches of dimscope, forward passes alone, nothing read.
- `dimscope`: the whole stage: every layer pooled by mean, stored with checksums, on disk.
- `loop`: `output_hidden_states`, batches of 16 in the order of the file, each padded to the longest of all texts, pooled by
  mean, kept in memory.
- `batch loop`: the same, each batch padded to its own longest text.
- `sentence-transformers`: `encode` with mean pooling; the last layer alone.
- `nnsight` (`--family gpt2`): every layer pooled inside a trace, batches as in `batch loop`.
- `TransformerLens` (`--family gpt2`): `run_with_cache` of every layer, pooled afterwards, batches as in `batch loop`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time, sleep
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from dimscope.config import config_from
from dimscope.inputs.examples import read_examples
from dimscope.models.prepared import iterate_batches
from dimscope.pipeline.extract import extract
from dimscope.pipeline.prepare import prepare
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
LONGEST = 1022
MEAN = 354
BATCH = 16
FAMILIES: dict[str, Callable[[int, int], Any]] = {
    "esm": lambda blocks, width: transformers.EsmConfig(
        vocab_size=33, hidden_size=width, num_hidden_layers=blocks, num_attention_heads=8, intermediate_size=4 * width,
        max_position_embeddings=LONGEST + 4, position_embedding_type="rotary", emb_layer_norm_before=False,
        token_dropout=False, pad_token_id=1, mask_token_id=4,
    ),
    "gpt2": lambda blocks, width: transformers.GPT2Config(
        vocab_size=33, n_embd=width, n_layer=blocks, n_head=8, n_positions=LONGEST + 2
    ),
    "llama": lambda blocks, width: transformers.LlamaConfig(
        vocab_size=33, hidden_size=width, num_hidden_layers=blocks, num_attention_heads=8, intermediate_size=3 * width,
        max_position_embeddings=LONGEST + 2,
    ),
    "bert": lambda blocks, width: transformers.BertConfig(
        vocab_size=33, hidden_size=width, num_hidden_layers=blocks, num_attention_heads=8, intermediate_size=4 * width,
        max_position_embeddings=LONGEST + 2,
    ),
}  # fmt: skip


def write_case(folder: Path, family: str, blocks: int, width: int, n_examples: int) -> None:
    """Model, tokenizer and `proteins.fasta`, the same for the same arguments."""
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(FAMILIES[family](blocks, width))
    model.save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    if family == "gpt2":  # TransformerLens reads models with a head only
        whole = transformers.GPT2LMHeadModel(model.config)
        whole.transformer.load_state_dict(model.state_dict())
        for part in (whole, make_tokenizer()):
            part.save_pretrained(folder / "lm")
    rng = np.random.default_rng(0)
    chains = ("".join(rng.choice(list(RESIDUES), length)) for length in draw_lengths(n_examples, rng))
    lines = (f">p{row}\n{chain}\n" for row, chain in enumerate(chains))
    (folder / "proteins.fasta").write_text("".join(lines), encoding="ascii")


def draw_lengths(n: int, rng: np.random.Generator) -> np.ndarray:
    """Residues per protein; shape 1.9 and the factor for the cut tail give a mean of 354."""
    return np.clip(rng.gamma(1.9, 1.04 * MEAN / 1.9, n), 30, LONGEST).astype(int)


def make_tokenizer() -> Any:
    """One token per residue between two ends."""
    known = {token: number for number, token in enumerate(["<cls>", "<pad>", "<eos>", "<unk>", "<mask>", *RESIDUES, "X"])}
    made = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    made.post_processor = processors.TemplateProcessing(single="<cls> $A <eos>", special_tokens=[("<cls>", 0), ("<eos>", 2)])
    names = {"cls_token": "<cls>", "pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>", "mask_token": "<mask>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=LONGEST + 2, **names)


def case_config(folder: Path) -> Any:
    """What dimscope is asked for."""
    return config_from(
        {
            "data": {"path": str(folder / "proteins.fasta"), "points": 10**6},
            "model": {"name": str(folder), "special_tokens": "include", "device": "cpu"},
            "measure": {"k": 2, "overlap_k": 1},
        }
    )


def bare(folder: Path) -> None:
    """Forward passes alone, over the batches of dimscope."""
    config = case_config(folder)
    loaded, tokens = prepare(config, read_examples(config.data), Silent())
    with torch.inference_mode():
        for start in range(0, len(tokens.lengths), 512):
            rows = np.arange(start, min(start + 512, len(tokens.lengths)))
            for _, batch in iterate_batches(loaded, tokens, rows, None, "right"):
                loaded.model(**batch.inputs)


def dimscope(folder: Path) -> list[np.ndarray]:
    """The whole stage, and what it stored; the last layer normed."""
    with tempfile.TemporaryDirectory() as place:
        extract(case_config(folder), RunFolder(Path(place) / "run"), Silent())
        found = {path.stem: np.load(path, mmap_mode="r") for path in (Path(place) / "run" / "states").glob("*.npy")}
        return [np.array(found[name]) for name in sorted(found, key=lambda name: (int(name[-2:]), name))]


def loop(folder: Path, *, own_length: bool = False) -> list[np.ndarray]:
    """All hidden states of batches in the order of the file."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    texts = (folder / "proteins.fasta").read_text().split("\n")[1::2]
    longest = max(map(len, texts)) + 2
    parts: list[list[np.ndarray]] = []
    for start in range(0, len(texts), BATCH):
        padding: dict[str, Any] = {"padding": True} if own_length else {"padding": "max_length", "max_length": longest}
        inputs = tokenizer(texts[start : start + BATCH], return_tensors="pt", **padding)
        mask = inputs["attention_mask"]
        with torch.no_grad():
            states = model(input_ids=inputs["input_ids"], attention_mask=mask, output_hidden_states=True).hidden_states
        counts = mask.sum(dim=1, keepdim=True)
        parts.append([(state * mask[..., None]).sum(dim=1).div(counts).numpy() for state in states])
    return [np.concatenate(layer) for layer in zip(*parts, strict=True)]


def batch_loop(folder: Path) -> list[np.ndarray]:
    """The same with each batch padded to its own longest text."""
    return loop(folder, own_length=True)


def encode(folder: Path) -> list[np.ndarray]:
    """The last layer by sentence-transformers."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers import models as parts

    width = transformers.AutoConfig.from_pretrained(folder).hidden_size
    model = SentenceTransformer(modules=[parts.Transformer(str(folder)), parts.Pooling(width)], device="cpu")
    texts = (folder / "proteins.fasta").read_text().split("\n")[1::2]
    return [np.asarray(model.encode(texts, batch_size=BATCH, show_progress_bar=False))]


def batches_of(folder: Path) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Ids, attention mask and pooling weights of batches in the order of the file, padded to their longest."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = (folder / "proteins.fasta").read_text().split("\n")[1::2]
    for start in range(0, len(texts), BATCH):
        inputs = tokenizer(texts[start : start + BATCH], return_tensors="pt", padding=True)
        mask = inputs["attention_mask"]
        yield inputs["input_ids"], mask, mask / mask.sum(dim=1, keepdim=True)


def trace(folder: Path) -> list[np.ndarray]:
    """Every layer by nnsight, pooled inside the trace."""
    import nnsight

    model = nnsight.NNsight(transformers.AutoModel.from_pretrained(folder).eval())
    parts = []
    for ids, mask, weights in batches_of(folder):
        with torch.no_grad(), model.trace(input_ids=ids, attention_mask=mask):
            found = []
            for block in model.h:
                states = block.output
                found.append(torch.einsum("bt,btd->bd", weights, states[0] if isinstance(states, tuple) else states))
            found = nnsight.save(found)
        parts.append([vectors.numpy() for vectors in found])
    return [np.concatenate(layer) for layer in zip(*parts, strict=True)]


def cached(folder: Path) -> list[np.ndarray]:
    """Every layer by TransformerLens."""
    from transformer_lens.model_bridge import TransformerBridge

    model = TransformerBridge.boot_transformers(str(folder / "lm"), device="cpu")
    parts = []
    for ids, mask, weights in batches_of(folder):
        with torch.no_grad():
            _, cache = model.run_with_cache(
                ids, attention_mask=mask, names_filter=lambda name: name.endswith("hook_resid_post")
            )
        parts.append([torch.einsum("bt,btd->bd", weights, states).numpy() for states in cache.values()])
    return [np.concatenate(layer) for layer in zip(*parts, strict=True)]


WAYS: dict[str, Callable[[Path], Any]] = {
    "bare": bare, "dimscope": dimscope, "loop": loop, "batch loop": batch_loop, "sentence-transformers": encode,
    "nnsight": trace, "TransformerLens": cached,
}  # fmt: skip
USUAL = ["bare", "dimscope", "loop", "batch loop", "sentence-transformers"]
"""Ways that every family has."""


OWN_PAGES = {"MALLOC_MMAP_THRESHOLD_": "262144"}
"""Environment of a run whose memory is looked at."""


class Memory(threading.Thread):
    """The largest private memory of this process while it runs, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self.before = self.peak = private_mb()

    def run(self) -> None:
        """Look every 2 ms."""
        while not self.stopped.is_set():
            self.peak = max(self.peak, private_mb())
            sleep(0.002)


def private_mb() -> float:
    """Memory of this process that no file backs."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return float(fields["RssAnon"].split()[0]) / 1024


def measure(way: str, folder: Path) -> None:
    """Print seconds and megabytes of one way, after a case in `tiny`; runs in a process of its own."""
    torch.set_num_threads(1)
    WAYS[way](folder / "tiny")
    watch = Memory()
    watch.start()
    started = process_time()
    WAYS[way](folder)
    seconds = process_time() - started
    watch.stopped.set()
    watch.join()
    print("measured", seconds, watch.peak - watch.before)


def in_child(way: str, folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """`measure` in a new process."""
    command = [sys.executable, __file__, "--measure", way, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    seconds, megabytes = done.stdout.split("measured ")[1].split()
    return float(seconds), float(megabytes)


def main(words: list[str] | None = None) -> None:
    """All ways in turn, as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=FAMILIES, default="esm")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=USUAL)
    parser.add_argument("--examples", nargs="+", type=int, default=[128])
    for name, default in (("blocks", 12), ("width", 256), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.measure:
        measure(arguments.measure, arguments.folder)
        return
    print("| examples | way | processor seconds | bare = 1 | peak MB | bare = 1 |\n| --- | --- | --- | --- | --- | --- |")
    for n_examples in arguments.examples:
        with tempfile.TemporaryDirectory() as place:
            write_case(Path(place), arguments.family, arguments.blocks, arguments.width, n_examples)
            write_case(Path(place) / "tiny", arguments.family, blocks=1, width=32, n_examples=5)
            times = [{way: in_child(way, Path(place), {})[0] for way in arguments.ways} for _ in range(arguments.rounds)]
            looked_at = [] if arguments.no_memory else arguments.ways
            memory = {way: in_child(way, Path(place), OWN_PAGES)[1] for way in looked_at}
        for way in arguments.ways:
            print(table_line(n_examples, way, times, memory), flush=True)


def table_line(n_examples: int, way: str, times: list[dict[str, float]], memory: dict[str, float]) -> str:
    """Fewest seconds of the rounds and the peak, each also as a multiple of `bare`; `-` for what was not looked at."""
    fastest = {name: min(found[name] for found in times) for name in times[0]} if times else {}
    cells = [str(n_examples), way]
    for found, digits in ((fastest, 1), (memory, 0)):
        cells.append(f"{found[way]:.{digits}f}" if found else "-")
        cells.append(f"{found[way] / found['bare']:.2f}" if "bare" in found else "-")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
