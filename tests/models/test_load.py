"""Loading: every folder that cannot be used is refused with one sentence, and what is loaded is what the files hold."""

import json
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from dimscope.config import ModelConfig
from dimscope.errors import ModelError, UsageError
from dimscope.files import hash_file
from dimscope.models import load as module
from dimscope.models.load import is_causal, load_model, max_tokens
from tiny import ENCODERS, MAX_TOKENS, save_model

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(bert, tmp_path):
    """A copy of the tiny BERT that a test may damage."""
    return Path(shutil.copytree(bert, tmp_path / "model"))


def load(folder, **options):
    return load_model(ModelConfig(name=str(folder), **options))


def change_config(folder, **entries):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def as_pickle(folder, keep=False):
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    if not keep:
        (folder / WEIGHTS).unlink()


def remove_tokenizer(folder):
    for path in folder.glob("tokenizer*"):
        path.unlink()


def cut(folder):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def drop_weight(folder, name="encoder.layer.1.output.dense.weight"):
    tensors = load_file(folder / WEIGHTS)
    del tensors[name]
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def with_bad_pickle(folder, content=b"garbage"):
    (folder / WEIGHTS).unlink()
    (folder / "pytorch_model.bin").write_bytes(content)


BROKEN = {
    "no configuration": (lambda f: (f / "config.json").unlink(), "is not a model folder: it has no config.json"),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), "holds no weights: no .safetensors file was found beside its config.json"),
    "a pickle only": (as_pickle, r"are a pickle only \(pytorch_model.bin\); loading a pickle can run code.*--allow-pickle"),
    "cut weights": (cut, "its weights file is damaged or holds something else than tensors; copy or download it again"),
    "empty weights": (lambda f: (f / WEIGHTS).write_bytes(b""), "its weights file is damaged"),
    "no weights file at all": (lambda f: (f / WEIGHTS).write_bytes(b"x" * 999), "its weights file is damaged"),
    "not JSON": (lambda f: (f / "config.json").write_text("{nope"), r"config\.json' is not a valid JSON file"),
    "no model type": (lambda f: (f / "config.json").write_text("{}"), "Should have a `model_type` key"),
    "unknown architecture": (lambda f: change_config(f, model_type="sphinx"), "model type `sphinx`.*does not recognize"),
    "own code": (
        lambda f: change_config(f, model_type="sphinx", auto_map={"AutoConfig": "own.Config", "AutoModel": "own.Model"}),
        "it needs code of its own, which dimscope never runs; choose a model that transformers knows",
    ),
    "no tokenizer": (remove_tokenizer, r"has no tokenizer files; one of tokenizer\.json, vocab\.txt is needed in "),
    "no vocabulary": (
        lambda f: (f / "tokenizer.json").unlink(),
        r"the tokenizer of .* cannot be loaded: it has no tokenizer files that can be read, for example a tokenizer\.json",
    ),
    "damaged tokenizer": (lambda f: (f / "tokenizer.json").write_text("{nope"), "the tokenizer of .* cannot be loaded: "),
    "more blocks than weights": (
        lambda f: change_config(f, num_hidden_layers=4),
        r"are incomplete: 16 parameters that config\.json asks for are in no file \(encoder\.layer\.3\..*\)\. Copy or download",
    ),
    "a weight is missing": (drop_weight, r"1 parameters that config\.json .* \(encoder\.layer\.1\.output\.dense\.weight\)"),
    "another width": (
        lambda f: change_config(f, hidden_size=64),
        r"its weights have other shapes than its config\.json says; they belong to another model",
    ),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_folder_that_cannot_be_used_is_refused(folder, name):
    damage, text = BROKEN[name]
    damage(folder)
    with pytest.raises(ModelError, match=text) as caught:
        load(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"garbage", b"", pickle.dumps({"a": print}, protocol=2)], ids=["garbage", "empty", "code"])
def test_a_pickle_that_holds_no_tensors_is_refused_even_when_pickles_are_allowed(folder, content):
    with_bad_pickle(folder, content)
    with pytest.raises(ModelError, match="its weights file is damaged or holds something else than tensors"):
        load(folder, allow_pickle=True)


def test_code_of_its_own_is_never_run(folder, tmp_path):
    witness = tmp_path / "witness"
    (folder / "own.py").write_text(f"open({str(witness)!r}, 'w').close()\n")
    names = {"AutoConfig": "own.Config", "AutoModel": "own.Model", "AutoTokenizer": ["own.Tokenizer", None]}
    change_config(folder, auto_map=names)  # BERT itself is known: the code is simply not needed
    assert type(load(folder).model).__name__ == "BertModel"
    change_config(folder, model_type="sphinx")
    with pytest.raises(ModelError, match="it needs code of its own"):
        load(folder)
    assert not witness.exists()


def same_weights(model, expected):
    return all(torch.equal(parameter, expected[name]) for name, parameter in model.named_parameters())


def test_a_pickle_is_read_when_it_is_allowed(folder, bert):
    as_pickle(folder)
    found = load(folder, allow_pickle=True)
    assert same_weights(found.model, load_file(bert / WEIGHTS))
    assert found.weights_hash == hash_file(folder / "pytorch_model.bin")


@pytest.mark.parametrize("allowed", [False, True])
def test_safetensors_are_preferred_to_a_pickle(folder, bert, allowed):
    tensors = {name: torch.zeros_like(tensor) for name, tensor in load_file(folder / WEIGHTS).items()}
    torch.save(tensors, folder / "pytorch_model.bin")
    found = load(folder, allow_pickle=allowed)
    assert same_weights(found.model, load_file(bert / WEIGHTS))
    assert found.weights_hash == hash_file(bert / WEIGHTS)


def test_what_no_site_reads_may_be_missing(folder):
    drop_weight(folder, "pooler.dense.weight")
    assert load(folder).facts["model_type"] == "bert"


def test_of_an_encoder_decoder_the_encoder_is_read(tmp_path):
    folder = save_model("t5", tmp_path / "t5")
    tensors = {name: tensor for name, tensor in load_file(folder / WEIGHTS).items() if not name.startswith("decoder.")}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})  # as encoder-only checkpoints are published
    found = load(folder)
    assert type(found.model).__name__ == "T5Stack"
    assert not found.facts["is_causal"]
    drop_weight(folder, "encoder.block.0.layer.1.DenseReluDense.wi.weight")
    with pytest.raises(ModelError, match="are incomplete: 1 parameters"):
        load(folder)


def test_facts_for_the_record(bert):
    facts = load(bert).facts
    tensors = load_file(bert / WEIGHTS)
    assert facts == {
        "name": str(bert), "class": "BertModel", "model_type": "bert", "is_causal": False,
        "parameters": sum(tensor.numel() for tensor in tensors.values()), "weights_hash": hash_file(bert / WEIGHTS),
        "tokenizer": facts["tokenizer"], "max_tokens": MAX_TOKENS, "dtype": "float32", "device": "cpu",
    }  # fmt: skip
    assert "Tokenizer" in facts["tokenizer"]


def test_the_model_does_not_learn_remember_or_drop_out(gpt2):
    found = load(gpt2)
    assert not found.model.training
    assert found.model.config.use_cache is False
    with torch.no_grad():
        assert found.model(input_ids=torch.tensor([[5, 6, 7]])).past_key_values is None


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtype(bert, dtype):
    found = load(bert, dtype=dtype)
    assert found.dtype == dtype
    assert {parameter.dtype for parameter in found.model.parameters()} == {getattr(torch, dtype)}


def test_on_a_cpu_auto_means_float32_whatever_the_files_hold(folder):
    half = {name: tensor.bfloat16() for name, tensor in load_file(folder / WEIGHTS).items()}
    save_file(half, folder / WEIGHTS, metadata={"format": "pt"})
    change_config(folder, dtype="bfloat16")
    assert load(folder, device="cpu").dtype == "float32"


@pytest.mark.parametrize("device", ["cuda", "cuda:7", "banana", "meta", "mps"])
def test_a_device_that_is_not_there_is_refused(bert, device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    if device.startswith("cuda") and torch.cuda.is_available():
        device = "cuda:77"
    with pytest.raises(UsageError, match=rf'device "{device}" was asked for; PyTorch .* sees: cpu\.$'):
        load(bert, device=device)


@pytest.mark.parametrize("version", ["2.3.1", "1.13.0+cpu"])
def test_an_old_torch_is_refused(bert, monkeypatch, version):
    monkeypatch.setattr(torch, "__version__", version)
    with pytest.raises(ModelError, match=r"is installed, dimscope reads models with 2\.4 or newer"):
        load(bert)


def test_more_tokens_than_the_model_reads_are_refused(bert):
    assert load(bert, max_tokens=MAX_TOKENS).max_tokens == MAX_TOKENS
    assert load(bert, max_tokens=7).max_tokens == 7
    with pytest.raises(UsageError, match=f"--max-tokens 41 was asked for; .* reads at most {MAX_TOKENS} tokens"):
        load(bert, max_tokens=41)


@pytest.mark.parametrize(
    ("name", "stated", "expected"), [("bert", 100, 48), ("roberta", 100, 47), ("bert", 30, 30), ("bert", int(1e30), 48)]
)
def test_the_limit_is_what_tokenizer_and_positions_allow(name, stated, expected):
    """RoBERTa numbers positions from the padding index + 1 on: with padding 0, 48 positions hold 47 tokens."""
    model = transformers.AutoModel.from_config(ENCODERS[name]()).eval()
    limit = max_tokens(model, SimpleNamespace(model_max_length=stated))
    assert limit == expected
    model(input_ids=torch.full((1, min(limit, 48)), 7))  # as long as promised
    if stated > 48:
        with pytest.raises((IndexError, RuntimeError)):
            model(input_ids=torch.full((1, limit + 1), 7))


def test_without_any_limit_there_is_one_all_the_same():
    config = SimpleNamespace(get_text_config=lambda: SimpleNamespace())
    model = SimpleNamespace(config=config)
    assert max_tokens(model, SimpleNamespace(model_max_length=int(1e30))) == module.UNBOUNDED


@pytest.mark.parametrize(
    ("architecture", "decoder", "expected"),
    [("GPT2LMHeadModel", False, True), ("LlamaForCausalLM", False, True), ("BertForMaskedLM", False, False), ("X", True, True)],
)
def test_causal_models_are_known_by_their_task(architecture, decoder, expected):
    assert is_causal(SimpleNamespace(architectures=[architecture], is_decoder=decoder)) is expected


@pytest.mark.parametrize("name", ["/nowhere/model", "./nowhere", "../nowhere/model", "~/nowhere-at-all"])
def test_a_path_that_is_not_there_is_never_looked_up_on_a_hub(name, monkeypatch):
    monkeypatch.setattr(module, "_load", lambda *_: pytest.fail("looked up"))
    with pytest.raises(ModelError, match=r"the model folder .*nowhere.* does not exist \(looked in "):
        load(name)


def test_a_file_is_not_a_model_folder(bert):
    with pytest.raises(ModelError, match=r"config\.json is a file, not a model folder"):
        load(bert / "config.json")


@pytest.mark.parametrize("name", ["a name with blanks", "one/two/three"])
def test_a_name_that_no_hub_can_have(name):
    with pytest.raises(ModelError, match="there is no such folder here and no such model on the hub; check the spelling"):
        load(name)


HUB = """
import sys, time
from dimscope.config import ModelConfig
from dimscope.errors import ModelError
from dimscope.models import hub, load
hub.HUB_SECONDS = float(sys.argv[1])
started = time.perf_counter()
try:
    load.load_model(ModelConfig(name="someone/some-model"))
except ModelError as error:
    print(f"{time.perf_counter() - started:.1f}", error)
"""


@pytest.fixture(scope="module")
def silent_server():
    """A hub that takes connections and never answers."""
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield server.getsockname()[1]


@pytest.mark.parametrize("kind", ["refused", "silent"])
def test_a_hub_name_without_a_network_fails_within_seconds(kind, silent_server, tmp_path):
    port = 9 if kind == "refused" else silent_server
    environment = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", HUB, "2"], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    seconds, _, message = done.stdout.strip().partition(" ")
    assert message == (
        'the model "someone/some-model" cannot be loaded: the hub cannot be reached and the model is not in the local cache; '
        "download it where there is a network, or give the path of a local folder."
    ), done.stderr
    assert float(seconds) < 15
    assert time.perf_counter() - started < 60


def test_loading_leaves_the_settings_of_transformers_alone(bert):
    before = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()
    load(bert)
    assert (transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()) == before
