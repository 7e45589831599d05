"""Time and memory of reading all layers of a model: dimscope beside a bare forward pass and the usual loop.

    python benchmarks/extraction.py [--examples 400] [--blocks 12] [--width 256] [--rounds 3]

A GPT-2 of random weights reads texts of protein-like lengths (log-normal, median about 250 tokens, at most 512). Each way
runs in a process of its own on one thread, the ways take turns, and the medians over the rounds are printed: processor
seconds, and the peak resident set above that of the process before.

- `bare`: the batches of dimscope, forward passes alone, nothing read.
- `dimscope`: those batches with every layer pooled by mean.
- `loop`: `output_hidden_states`, batches of 16 in the order of the file, each padded to the longest of all texts.
"""

import argparse
import resource
import subprocess
import sys
from statistics import median
from time import process_time
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import transformers

from dimscope.config import ModelConfig
from dimscope.models.load import LoadedModel
from dimscope.models.reader import Reader
from dimscope.models.prepared import iterate_batches
from dimscope.models.tokens import TokenizedTexts

WAYS = ("bare", "dimscope", "loop")
LONGEST = 512
NAIVE_BATCH = 16


def make_model(blocks: int, width: int) -> LoadedModel:
    """A GPT-2 of random weights on the CPU, and what the reader asks of a tokenizer."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(n_embd=width, n_layer=blocks, n_head=8, n_positions=LONGEST, vocab_size=5000)
    config.use_cache = False
    model = transformers.AutoModel.from_config(config).eval()
    tokenizer = SimpleNamespace(pad_token_id=0)
    return LoadedModel(model, tokenizer, "random gpt2", "", LONGEST, torch.device("cpu"), "float32")


def make_tokens(n: int) -> TokenizedTexts:
    """Random tokens with the lengths of proteins."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(250), 0.7, n), 20, LONGEST).astype(int)
    ids = [rng.integers(5, 5000, length) for length in lengths]
    content = [np.ones(length, dtype=bool) for length in lengths]
    return TokenizedTexts(ids, content, np.zeros(n, dtype=bool), np.arange(n))


def bare(loaded: LoadedModel, tokens: TokenizedTexts) -> None:
    """Forward passes alone."""
    with torch.inference_mode():
        for _, batch in iterate_batches(loaded, tokens, np.arange(len(tokens.ids)), None, "right"):
            loaded.model(**batch.inputs)


def dimscope(loaded: LoadedModel, tokens: TokenizedTexts) -> list[np.ndarray]:
    """All layers, pooled; the last one normed."""
    names = [str(row) for row in range(len(tokens.ids))]
    reader = Reader(loaded, tokens, names, ModelConfig(name="random"))
    found = reader.read(np.arange(len(tokens.ids)), lambda _: None)["mean"]
    return [found[str(layer)] for layer in reader.layers if layer.site != "block" or layer.index < reader.n_layers]


def loop(loaded: LoadedModel, tokens: TokenizedTexts) -> list[np.ndarray]:
    """What one writes first: all hidden states of batches in the order of the file."""
    n, longest = len(tokens.ids), max(len(row) for row in tokens.ids)
    ids, mask = np.zeros((n, longest), dtype=np.int64), np.zeros((n, longest), dtype=np.int64)
    for row, found in enumerate(tokens.ids):
        ids[row, : len(found)], mask[row, : len(found)] = found, 1
    parts: list[list[np.ndarray]] = []
    for start in range(0, n, NAIVE_BATCH):
        part = torch.from_numpy(mask[start : start + NAIVE_BATCH])
        with torch.no_grad():
            states: Any = loaded.model(
                input_ids=torch.from_numpy(ids[start : start + NAIVE_BATCH]), attention_mask=part, output_hidden_states=True
            ).hidden_states
        counts = part.sum(dim=1, keepdim=True)
        parts.append([(state * part[..., None]).sum(dim=1).div(counts).numpy() for state in states])
    return [np.concatenate(layer) for layer in zip(*parts, strict=True)]


def measure(way: str, arguments: argparse.Namespace) -> None:
    """Print seconds and megabytes of one way; runs in a process of its own."""
    torch.set_num_threads(1)
    loaded, tokens = make_model(arguments.blocks, arguments.width), make_tokens(arguments.examples)
    with torch.inference_mode():
        loaded.model(input_ids=torch.ones((1, 8), dtype=torch.int64))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, process_time()
    {"bare": bare, "dimscope": dimscope, "loop": loop}[way](loaded, tokens)
    seconds = process_time() - started
    print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def main(words: list[str] | None = None) -> None:
    """All ways in turn, as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("examples", 400), ("blocks", 12), ("width", 256), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.way:
        measure(arguments.way, arguments)
        return
    options = [f"--{name}={getattr(arguments, name)}" for name in ("examples", "blocks", "width")]
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for _ in range(arguments.rounds):
        for way in WAYS:
            printed = subprocess.run(
                [sys.executable, __file__, f"--way={way}", *options], check=True, capture_output=True, text=True
            )
            seconds, megabytes = map(float, printed.stdout.split())
            found[way].append((seconds, megabytes))
    time, memory = ({way: median(row[column] for row in rows) for way, rows in found.items()} for column in (0, 1))
    print("| way | processor seconds | bare = 1 | peak MB | bare = 1 |\n| --- | --- | --- | --- | --- |")
    for way in WAYS:
        shares = time[way] / time["bare"], memory[way] / memory["bare"]
        print(f"| {way} | {time[way]:.1f} | {shares[0]:.2f} | {memory[way]:.0f} | {shares[1]:.2f} |")


if __name__ == "__main__":
    main()
