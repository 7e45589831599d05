"""Train a small image GPT on the digits of scikit-learn: next pixel of 8 x 8 pixels in 17 grey levels, no labels.

python examples/train_image_gpt.py FOLDER [--steps 500] [--keep 0 --keep 50 ...]

Writes FOLDER: a GPT-2 of 12 blocks, width 96, in float16, whose tokenizer reads grey levels as words (`g0` to `g16`) and puts
a start token in front; and FOLDER/training_log.csv. `--keep N` also writes the model after N steps, FOLDER/step_N (0: before
the first), to compare checkpoints. One image in ten is held out of training for the second loss of the log.
`dimscope demo --case digits` reads the model that this script made.
"""

import argparse
import copy
import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
from sklearn.datasets import load_digits
from tokenizers import Tokenizer, models, pre_tokenizers, processors

LEVELS, PIXELS = 17, 64
START = LEVELS
BATCH = 32
RATE = 1e-3
EVERY = 25
"""Steps between two lines of the log."""
HELD_OUT = 10
"""Every so manieth image is held out."""


def build_model() -> transformers.GPT2LMHeadModel:
    """A decoder with one token per grey level and one that starts an image."""
    config = transformers.GPT2Config(
        vocab_size=LEVELS + 1, n_positions=PIXELS + 1, n_embd=96, n_layer=12, n_head=4, bos_token_id=START, eos_token_id=START,
        activation_function="gelu_pytorch_tanh", resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.0,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config)


def as_tokens(images: np.ndarray) -> torch.Tensor:
    """Start token and grey levels, int64 (n, 65), from pixel values 0 to 16 (n, 64)."""
    return torch.from_numpy(np.column_stack([np.full(len(images), START), images]).astype(np.int64))


def train(
    images: np.ndarray, steps: int, seed: int = 0, after: Callable[[int, transformers.GPT2LMHeadModel], None] | None = None
) -> tuple[transformers.GPT2LMHeadModel, list[tuple[int, float, float]]]:
    """The trained model, and (step, loss of the batch, loss of the held-out images) in nats per pixel.

    `after` is called with the number of finished steps and the model, first with 0.
    """
    torch.manual_seed(seed)
    model = build_model()
    after = after or (lambda step, model: None)
    after(0, model)
    tokens = as_tokens(images)
    held_out = torch.arange(len(tokens)) % HELD_OUT == 0
    seen, unseen = tokens[~held_out], tokens[held_out]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    rng = torch.Generator().manual_seed(seed)
    log = []
    for step in range(1, steps + 1):
        batch = seen[torch.randint(len(seen), (BATCH,), generator=rng)]
        loss = model.train()(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        after(step, model)
        if step % EVERY == 0 or step in (1, steps):
            with torch.no_grad():
                log.append((step, loss.item(), model.eval()(input_ids=unseen, labels=unseen).loss.item()))
            print("step {}: loss {:.3f}, held out {:.3f}".format(*log[-1]), flush=True)
    return model.eval(), log


def build_tokenizer() -> transformers.PreTrainedTokenizerFast:
    """Reads "g0 g7 g16 ..." as one token per word, behind a start token of its own."""
    words = {f"g{level}": level for level in range(LEVELS)} | {"start": START}
    made = Tokenizer(models.WordLevel(words, unk_token="start"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(single="start $A", special_tokens=[("start", START)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, model_max_length=PIXELS + 1, bos_token="start", pad_token="start", unk_token="start"
    )


def write(model: transformers.GPT2LMHeadModel, folder: Path) -> None:
    """Write a model in half precision, which it then has, and its tokenizer."""
    model.half().save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)


def main() -> None:
    """Train and write model, tokenizer and log."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--keep", type=int, action="append", default=[], metavar="N", help="also write the model after N steps")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)

    def keep(step: int, model: transformers.GPT2LMHeadModel) -> None:
        if step in chosen.keep:
            write(copy.deepcopy(model), chosen.folder / f"step_{step}")

    model, log = train(load_digits().data.astype(np.int64), chosen.steps, after=keep)
    write(model, chosen.folder)
    with (chosen.folder / "training_log.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["step", "loss", "held_out_loss"])
        writer.writerows((step, f"{loss:.4f}", f"{held_out:.4f}") for step, loss, held_out in log)


if __name__ == "__main__":
    main()
