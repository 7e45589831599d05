"""Writes TensorFlow 1 checkpoints (uncompressed) and computes image GPT in float64, independently of the package."""

import struct
from pathlib import Path

import numpy as np

DTYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "bfloat16": 14, "float16": 19}


def slow_crc32c(content: bytes) -> int:
    """Bit by bit, from the definition of the polynomial."""
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 * (register & 1))
    return register ^ 0xFFFFFFFF


def mask(checksum: int) -> int:
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    parts = []
    while value >= 128:
        parts.append(value % 128 + 128)
        value //= 128
    return bytes([*parts, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def block(entries: list[tuple[bytes, bytes]], kind: int = 0) -> bytes:
    """Keys share prefixes with the key before; one restart point at the start of each 16 entries."""
    content, before, restarts = b"", b"", []
    for place, (key, value) in enumerate(entries):
        shared = 0
        if place % 16 == 0:
            restarts.append(len(content))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    content += b"".join(struct.pack("<I", restart) for restart in restarts) + struct.pack("<I", len(restarts))
    return content + bytes([kind]) + struct.pack("<I", mask(slow_crc32c(content + bytes([kind]))))


def write_bundle(prefix: Path, tensors: dict[str, np.ndarray], *, shards: int = 1, kind: int = 0, bfloat16=(), crc=slow_crc32c):
    """A checkpoint with its tensors dealt over shards in turn; names in `bfloat16` are cut to the upper half of float32."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    contents = [b""] * shards
    header = number(1, shards) + number(2, 0) + message(3, number(1, 1))
    entries = [(b"", header)]
    for place, name in enumerate(sorted(tensors)):
        values, dtype = np.ascontiguousarray(tensors[name]), str(tensors[name].dtype)
        raw = values.tobytes()
        if name in bfloat16:
            dtype, raw = "bfloat16", (values.view("<u4") >> 16).astype("<u2").tobytes()
        shard = place % shards
        shape = b"".join(message(2, number(1, size)) for size in np.shape(tensors[name]))
        entry = number(1, DTYPES[dtype]) + message(2, shape)
        entry += number(3, shard) if shard else b""
        entry += number(4, len(contents[shard])) + number(5, len(raw)) + varint(6 << 3 | 5) + struct.pack("<I", mask(crc(raw)))
        contents[shard] += raw
        entries.append((name.encode(), entry))
    for shard, content in enumerate(contents):
        Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}").write_bytes(content)
    half = max(1, len(entries) // 2)
    table, index = b"", []
    for part in (entries[:half], entries[half:]):
        if part:
            made = block(part, kind)
            index.append((part[-1][0] + b"\0", varint(len(table)) + varint(len(made) - 5)))
            table += made
    meta = block([])
    meta_handle = varint(len(table)) + varint(len(meta) - 5)
    table += meta
    made = block(index)
    handles = meta_handle + varint(len(table)) + varint(len(made) - 5)
    footer = handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    Path(f"{prefix}.index").write_bytes(table + made + footer)
    return prefix


def igpt_weights(layers=2, width=8, heads=2, pixels=6, colors=5, bert=False, seed=0):
    """Random weights of a tiny image GPT under OpenAI's names."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return (0.4 * rng.standard_normal(shape)).astype(np.float32)

    made = {"wpe": draw(pixels, width), "wte": draw(colors, width), "wtet": draw(colors, width), "ln_f/g": 1 + draw(width)}
    if not bert:
        made["sos"] = draw(width)
    for layer in range(layers):
        for name in ("q_proj", "k_proj", "v_proj", "c_proj"):
            made[f"h{layer}/attn/{name}"] = draw(heads, width // heads, width)
        made |= {f"h{layer}/ln_{norm}/g": 1 + draw(width) for norm in (1, 2)}
        made[f"h{layer}/mlp/c_fc/w"], made[f"h{layer}/mlp/c_proj/w"] = draw(width, 4 * width), draw(4 * width, width)
    return {f"model/{name}": values for name, values in made.items()}


def igpt_forward(weights, images):
    """Means over positions of the normalised input of each block and of the last norm, in float64: list of (n, width)."""
    w = {name.removeprefix("model/"): values.astype(np.float64) for name, values in weights.items()}
    bert = "sos" not in w

    def norm(x, name):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * w[f"{name}/g"]

    x = w["wte"][images]
    if not bert:
        x = np.concatenate([np.broadcast_to(w["sos"], x[:, :1].shape), x[:, :-1]], axis=1)
    x = x + w["wpe"][: x.shape[1]]
    layers = sum(name.endswith("/ln_1/g") for name in w)
    found = []
    for layer in range(layers):
        h = f"h{layer}"
        normed = norm(x, f"{h}/ln_1")
        found.append(normed.mean(1))
        q, k, v = (np.einsum("bsf,hef->bhse", normed, w[f"{h}/attn/{name}"]) for name in ("q_proj", "k_proj", "v_proj"))
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
        if not bert:
            scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        x = x + np.einsum("bhse,hef->bsf", shares @ v, w[f"{h}/attn/c_proj"])
        inner = norm(x, f"{h}/ln_2") @ w[f"{h}/mlp/c_fc/w"]
        x = x + (inner / (1 + np.exp(-1.702 * inner))) @ w[f"{h}/mlp/c_proj/w"]
    return [*found, norm(x, "ln_f").mean(1)]
