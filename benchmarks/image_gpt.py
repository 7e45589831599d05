"""A small image GPT, trained here on the digits of scikit-learn: next pixel of 8 x 8 pixels in 17 grey levels, no labels.

python benchmarks/image_gpt.py FOLDER [--steps 1500]     about 7 minutes on two cores

Writes FOLDER/model (a GPT-2 of 12 blocks, width 96, whose tokenizer reads grey levels as words) and FOLDER/digits.csv.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
import transformers
from sklearn.datasets import load_digits
from tokenizers import Tokenizer, models, pre_tokenizers

START, LEVELS = "start", 17
BATCH = 64
RATE = 1e-3


def train(images: np.ndarray, steps: int, seed: int = 0) -> transformers.GPT2LMHeadModel:
    """A decoder that predicts each pixel from those before it; rows of `images` are pixel values 0 to 16."""
    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        vocab_size=LEVELS + 1, n_positions=65, n_embd=96, n_layer=12, n_head=4, bos_token_id=LEVELS, eos_token_id=LEVELS,
        resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.1,
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config).train()
    tokens = torch.from_numpy(np.column_stack([np.full(len(images), LEVELS), images]).astype(np.int64))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    rng = torch.Generator().manual_seed(seed)
    for step in range(steps):
        rows = torch.randint(len(tokens), (BATCH,), generator=rng)
        loss = model(input_ids=tokens[rows], labels=tokens[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    return model.eval()


def write(folder: Path, steps: int) -> None:
    """Train and write model, tokenizer and texts."""
    digits = load_digits()
    model = train(digits.data.astype(np.int64), steps)
    model.save_pretrained(folder / "model")
    words = {f"g{level}": level for level in range(LEVELS)} | {START: LEVELS}
    made = Tokenizer(models.WordLevel(words, unk_token=START))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, model_max_length=65, pad_token=START, unk_token=START
    )
    tokenizer.save_pretrained(folder / "model")
    with (folder / "digits.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", "text", "label"])
        for row, (pixels, label) in enumerate(zip(digits.data.astype(int), digits.target, strict=True)):
            writer.writerow([row, " ".join([START, *(f"g{level}" for level in pixels)]), label])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    write(chosen.folder, chosen.steps)
