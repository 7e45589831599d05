"""The files of a model: hashes, and which missing parameters matter."""

import json
from hashlib import sha256
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from dimscope.errors import ModelError
from dimscope.models import weights
from dimscope.models.weights import check_folder, check_vocabulary, hash_weights, refuse_missing


def digest(*contents):
    return sha256(b"".join(contents)).hexdigest()


def test_one_file_has_its_own_hash(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"one")
    (tmp_path / "pytorch_model.bin").write_bytes(b"another")  # not read where safetensors are
    assert hash_weights(tmp_path) == f"sha256:{digest(b'one')}"


def test_several_files_have_the_hash_of_their_hashes_in_order_of_names(tmp_path):
    (tmp_path / "b.safetensors").write_bytes(b"second")
    (tmp_path / "a.safetensors").write_bytes(b"first")
    joined = f"sha256:{digest(b'first')}sha256:{digest(b'second')}"
    assert hash_weights(tmp_path) == f"sha256:{digest(joined.encode())}"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth"])
def test_pickles_are_hashed_where_there_is_nothing_else(tmp_path, name):
    (tmp_path / name).write_bytes(b"pickle")
    assert hash_weights(tmp_path) == f"sha256:{digest(b'pickle')}"


def test_of_large_files_names_sizes_and_headers_are_hashed(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "FULL_HASH_LIMIT", 30)
    header = b'{"shape": [4, 4]}'
    content = len(header).to_bytes(8, "little") + header
    place = tmp_path / "model.safetensors"
    place.write_bytes(content + b"0" * 64)
    parts = [("model.safetensors", str(len(content) + 64), digest(header))]
    assert hash_weights(tmp_path) == f"headers-sha256:{digest(json.dumps(parts).encode())}"
    place.write_bytes(content.replace(b"[4, 4]", b"[2, 8]") + b"0" * 64)
    assert not hash_weights(tmp_path).endswith(digest(json.dumps(parts).encode()))


class Half(nn.Module):
    """An encoder-decoder of two dense layers that share a table."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Embedding(3, 2)
        self.encoder = nn.Module()
        self.encoder.embed, self.encoder.dense, self.encoder.pooler = self.shared, nn.Linear(2, 2), nn.Linear(2, 2)
        self.decoder = nn.Linear(2, 2)


@pytest.mark.parametrize("missing", [[], ["decoder.weight"], ["encoder.pooler.weight", "decoder.bias"], ["not.there"]])
def test_missing_parameters_that_nothing_reads(missing):
    model = Half()
    refuse_missing(model, model.encoder, missing, "half")


@pytest.mark.parametrize(
    ("missing", "shown"),
    [
        (["encoder.dense.weight"], r"1 parameters .*\(encoder\.dense\.weight\)"),
        (["shared.weight"], r"1 parameters .*\(shared\.weight\)"),
        (["encoder.dense.weight", "decoder.bias", "encoder.dense.bias"], r"2 parameters .*\(encoder\.dense\.bias, encoder"),
    ],
)
def test_missing_parameters_that_are_read(missing, shown):
    model = Half()
    with pytest.raises(ModelError, match=f'the weights of "half" are incomplete: {shown}'):
        refuse_missing(model, model.encoder, missing, "half")


def test_a_long_list_is_shortened():
    model = nn.ModuleList(nn.Linear(1, 1) for _ in range(5))
    missing = [name for name, _ in model.named_parameters()]
    with pytest.raises(ModelError, match=r"10 parameters .*\(0\.bias, 0\.weight, 1\.bias, \.\.\.\)\. Copy or download"):
        refuse_missing(model, model, missing, "long")


def test_a_tokenizer_needs_one_of_its_files(tmp_path):
    tokenizer = SimpleNamespace(vocab_files_names={"vocab_file": "vocab.txt", "tokenizer_file": "tokenizer.json"})
    with pytest.raises(ModelError, match=r'"mine" has no tokenizer files; one of tokenizer\.json, vocab\.txt is needed in'):
        check_vocabulary(tmp_path, tokenizer, "mine")
    (tmp_path / "vocab.txt").write_text("a")
    check_vocabulary(tmp_path, tokenizer, "mine")


def test_a_tokenizer_of_bytes_needs_no_file(tmp_path):
    check_vocabulary(tmp_path, SimpleNamespace(vocab_files_names={}), "bytes")


def test_a_folder_with_several_safetensors_is_fine(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    for number in (1, 2):
        (tmp_path / f"model-{number}-of-2.safetensors").write_bytes(b"")
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    check_folder(tmp_path, allow_pickle=False)


def test_weights_that_transformers_does_not_look_for_are_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"")
    text = (
        r"holds model-00001-of-00002\.safetensors, but neither model\.safetensors nor model\.safetensors\.index\.json, by which"
    )
    for allow_pickle in (False, True):
        with pytest.raises(ModelError, match=text):
            check_folder(tmp_path, allow_pickle=allow_pickle)


@pytest.mark.parametrize("with_config", [False, True])
def test_an_adapter_is_told_from_a_model(tmp_path, with_config):
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    if with_config:
        (tmp_path / "config.json").write_text("{}")
    with pytest.raises(
        ModelError, match=r"is an adapter \(adapter_config\.json\), not a whole model\. Merge it into its base model"
    ):
        check_folder(tmp_path, allow_pickle=False)


@pytest.mark.parametrize("ending", ["bin", "pt", "pth"])
def test_pickles_of_every_ending_are_refused_unless_allowed(tmp_path, ending):
    (tmp_path / "config.json").write_text("{}")
    torch.save({}, tmp_path / f"weights.{ending}")
    with pytest.raises(ModelError, match=rf"are a pickle only \(weights\.{ending}\)"):
        check_folder(tmp_path, allow_pickle=False)
    check_folder(tmp_path, allow_pickle=True)
