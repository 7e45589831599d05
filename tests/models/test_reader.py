"""Reading texts: equal texts, bad numbers, missing tokens, memory, threads and the probe."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dimscope.config import ModelConfig
from dimscope.errors import InputError, ModelError, UsageError
from dimscope.models.load import load_model
from dimscope.models.reader import Reader
from dimscope.models.tokens import tokenize
from tiny import N_LAYERS, make_texts, save_model

TEXTS = make_texts(23, seed=9)


def make_reader(folder, texts=TEXTS, **options):
    config = ModelConfig(name=str(folder), **options)
    loaded = load_model(config)
    names = [f"e{row}" for row in range(len(texts))]
    return Reader(loaded, tokenize(loaded, texts, names, config.special_tokens, config.pool), names, config)


def read(reader, rows=None):
    rows = np.arange(len(reader.ids)) if rows is None else np.array(rows)
    (found,) = reader.read(rows, lambda _: None).values()
    return found


def change_weights(source, folder, change):
    shutil.copytree(source, folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_rows_come_in_the_order_of_the_question(bert):
    reader = make_reader(bert, batch_size=1)
    whole = read(reader)
    some = read(reader, [9, 2, 17])
    for name in whole:
        np.testing.assert_array_equal(some[name], whole[name][[9, 2, 17]])


def test_progress_counts_every_text_once(bert):
    told = []
    make_reader(bert, batch_size=5).read(np.arange(23), told.append)
    assert told == [5, 5, 5, 5, 3]


def test_vectors_are_float32_whatever_the_model_computes_in(bert):
    for dtype in ("float32", "bfloat16", "float16"):
        found = read(make_reader(bert, dtype=dtype))
        assert {states.dtype for states in found.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("dtype", "near"), [("bfloat16", 0.05), ("float16", 0.006)])
def test_half_precision_on_a_cpu_is_near_float32(bert, dtype, near):
    exact, half = read(make_reader(bert)), read(make_reader(bert, dtype=dtype))
    for name in exact:
        scale = np.abs(exact[name]).max()
        difference = np.abs(half[name] - exact[name]).max()
        assert 0 < difference < near * scale


def test_two_readings_have_the_same_bits(bert):
    first, second = read(make_reader(bert)), read(make_reader(bert))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_the_number_of_threads_changes_only_roundings(gpt2):
    before = torch.get_num_threads()
    found = {}
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            found[threads] = read(make_reader(gpt2))
    finally:
        torch.set_num_threads(before)
    for threads in (2, 4):
        for name, states in found[1].items():
            np.testing.assert_allclose(found[threads][name], states, rtol=1e-5, atol=1e-5 * np.abs(states).max())


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_a_model_without_a_padding_token(gpt2, tmp_path, pool):
    """GPT-2 as it is published: what stands in padded places cannot matter."""
    folder = Path(shutil.copytree(gpt2, tmp_path / "model"))
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / name).exists():
            entries = json.loads((folder / name).read_text())
            entries.pop("pad_token", None)
            (folder / name).write_text(json.dumps(entries))
    reader = make_reader(folder, pool=pool, batch_size=7)
    assert reader.loaded.tokenizer.pad_token_id is None
    reader.probe()
    found, expected = read(reader), read(make_reader(gpt2, pool=pool, batch_size=1))
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-5 * np.abs(expected[name]).max())


def test_layers_and_sites(bert, gpt2):
    assert [str(layer) for layer in make_reader(bert, layers="0,2:3").layers] == ["embed_00", "block_02", "block_03"]
    found = make_reader(gpt2, layers="1:3:2")
    assert [str(layer) for layer in found.layers] == ["block_01", "block_03", "final_norm_03"]
    assert [layer.module for layer in found.layers] == ["h.0", "h.2", "ln_f"]
    assert found.n_layers == N_LAYERS


def test_layers_that_the_model_does_not_have(bert, gpt2):
    with pytest.raises(UsageError, match='--layers "0:4" asks for 4; this model has layers 0 to 3'):
        make_reader(bert, layers="0:4")
    with pytest.raises(ModelError, match="post-norm architecture"):
        make_reader(bert, site="block_norm").probe()
    assert [str(layer) for layer in make_reader(gpt2, site="block_norm", layers="3").layers] == ["final_norm_03"]


def test_a_selection_that_is_empty_at_a_site(tmp_path):
    """BLOOM-like blocks with norms, but no last norm: layer 3 has no `block_norm`."""
    folder = save_model("opt_350m", tmp_path / "opt")
    with pytest.raises(UsageError, match='--layers "3" selects nothing at --site block_norm'):
        make_reader(folder, site="block_norm", layers="3")


def test_named_places_are_read(bert):
    found, whole = read(make_reader(bert, blocks="encoder.layer", final_norm="none")), read(make_reader(bert))
    assert list(found) == list(whole)
    for name, states in whole.items():
        np.testing.assert_array_equal(found[name], states)


def test_wrong_named_places_are_noticed_before_anything_is_read(bert):
    with pytest.raises(ModelError, match=r"final_norm_03 \(embeddings\.LayerNorm\)|did not reach: final_norm_03"):
        make_reader(bert, blocks="encoder.layer", final_norm="embeddings.LayerNorm").probe()
    with pytest.raises(UsageError, match="--final-norm none needs --blocks"):
        make_reader(bert, final_norm="none")


def test_the_probe_tells_the_widths(bert, tmp_path):
    assert make_reader(bert).probe() == {"embed_00": 32, "block_01": 32, "block_02": 32, "block_03": 32}
    assert make_reader(save_model("gpt2", tmp_path / "g"), layers="3").probe() == {"block_03": 32, "final_norm_03": 32}


def test_the_probe_reads_one_short_text(bert):
    reader = make_reader(bert)
    lengths = []
    reader.loaded.model.register_forward_pre_hook(
        lambda _, args, kwargs: lengths.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    reader.probe()
    shortest = int(reader.tokens.lengths.min())
    assert lengths == [(1, shortest)] * 3 + [(1, 2 * shortest + 1)]


def test_a_probe_of_texts_of_one_token(gpt2):
    assert len(make_reader(gpt2, texts=["w1", "w2", "w3"]).probe()) == N_LAYERS + 2


def test_a_model_that_lets_padding_in_is_read_one_by_one_only(tmp_path):
    import transformers

    from tiny import COMMON, make_tokenizer

    torch.manual_seed(0)
    folder = tmp_path / "convbert"
    transformers.ConvBertModel(transformers.ConvBertConfig(**COMMON, embedding_size=32)).save_pretrained(folder)
    make_tokenizer(True).save_pretrained(folder)
    with pytest.raises(ModelError, match=r"padding on the right changes the vectors of ConvBertModel .* --batch-size 1"):
        make_reader(folder).probe()
    reader = make_reader(folder, batch_size=1)
    reader.probe()
    assert np.isfinite(read(reader)["block_03"]).all()


def poison(tensors, block=1):
    tensors[f"encoder.layer.{block}.output.dense.bias"][3] = float("nan")


def test_nan_in_a_weight_names_layer_module_and_examples(bert, tmp_path):
    reader = make_reader(change_weights(bert, tmp_path / "nan", poison))
    text = (
        r"^layer block_02 \(encoder\.layer\.1\) holds NaN or Inf for 23 examples of a batch "
        r"\(ids e\d+, e\d+, e\d+, e\d+, e\d+, \.\.\.\)\. Check the weights\.$"
    )
    with pytest.raises(InputError, match=text):
        read(reader)
    with pytest.raises(InputError, match=r"layer block_02 \(encoder\.layer\.1\) holds NaN or Inf for 1 examples"):
        reader.probe()


def test_bad_numbers_behind_the_last_wanted_layer_do_not_matter(bert, tmp_path):
    folder = change_weights(bert, tmp_path / "nan", poison)
    found, expected = read(make_reader(folder, layers="0:1")), read(make_reader(bert, layers="0:1"))
    np.testing.assert_array_equal(found["block_01"], expected["block_01"])


def too_large(tensors):
    """Token w59 is 6e4 in one feature, and the first block adds 1e4: together more than float16 holds (65 504)."""
    tensors["wte.weight"][64, 3] = 6e4
    tensors["h.0.mlp.c_proj.bias"][3] = 1e4


def test_one_layer_that_overflows_in_float16_names_the_examples(gpt2, tmp_path):
    folder = change_weights(gpt2, tmp_path / "large", too_large)
    texts = [" ".join(word for word in text.split() if word != "w59") or "w1" for text in TEXTS]
    texts[4] += " w59"
    texts[11] = "w59 " + texts[11]
    reader = make_reader(folder, texts=texts, dtype="float16", batch_size=64)
    with pytest.raises(
        InputError, match=r"layer block_01 \(h\.0\) holds NaN or Inf for 2 examples of a batch \(ids (.*)\)\."
    ) as e:
        read(reader)
    assert "(ids e11, e4)" in str(e.value) or "(ids e4, e11)" in str(e.value)
    assert "Try --dtype float32 (now float16)" in str(e.value)
    assert all(np.isfinite(states).all() for states in read(make_reader(folder, texts=texts, dtype="float32")).values())


@pytest.mark.parametrize(
    "error", [torch.cuda.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_batch_that_does_not_fit_is_explained(bert, error):
    reader = make_reader(bert, batch_size=23)

    def refuse(*_, **__):
        raise error

    longest = int(reader.tokens.lengths.max())
    reader.loaded.model.encoder.layer[1].forward = refuse
    text = f"a batch of 23 texts with {longest} tokens does not fit into the memory of cpu; choose a smaller --batch-size"
    with pytest.raises(ModelError, match=text):
        read(reader)


def refuse_more_than(reader, most, sizes):
    """A model whose second block has memory for `most` texts."""
    block = reader.loaded.model.encoder.layer[1]
    forward = block.forward

    def limited(states, *args, **kwargs):
        sizes.append(len(states))
        if len(states) > most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return forward(states, *args, **kwargs)

    block.forward = limited


def test_an_automatic_batch_that_does_not_fit_is_halved_until_it_does(bert):
    expected, reader, sizes, told = read(make_reader(bert)), make_reader(bert), [], []
    refuse_more_than(reader, 6, sizes)
    found = reader.read(np.arange(23), told.append)["mean"]
    assert sizes[0] == 23
    assert sum(told) == sum(size for size in sizes if size <= 6) == 23
    for name, states in expected.items():
        np.testing.assert_allclose(found[name], states, rtol=1e-5, atol=1e-5 * np.abs(states).max())


def test_one_text_that_does_not_fit_is_explained(bert):
    reader = make_reader(bert)
    refuse_more_than(reader, 0, [])
    with pytest.raises(ModelError, match=r"a batch of 1 texts with \d+ tokens does not fit into the memory of cpu"):
        read(reader)


def test_another_failure_of_the_model_is_not_hidden(bert):
    reader = make_reader(bert)
    reader.loaded.model.encoder.layer[1].forward = lambda *_, **__: torch.zeros(2, 3) @ torch.zeros(2, 3)
    with pytest.raises(RuntimeError, match="shapes"):
        read(reader)


def test_the_reading_asks_for_no_hidden_states_and_no_cache(gpt2):
    reader = make_reader(gpt2, batch_size=4)
    asked = []
    reader.loaded.model.register_forward_pre_hook(lambda _, args, kwargs: asked.append((args, set(kwargs))), with_kwargs=True)
    read(reader)
    assert asked == [((), {"input_ids", "attention_mask"})] * 6
    config = reader.loaded.model.config
    assert not config.output_hidden_states and not config.output_attentions and not config.use_cache


def test_one_forward_pass_per_text_reads_all_layers(gpt2):
    reader = make_reader(gpt2, batch_size=1)
    calls = {"model": 0, "block": 0}

    def count(name):
        return lambda *_: calls.update({name: calls[name] + 1})

    reader.loaded.model.register_forward_pre_hook(count("model"))
    for block in reader.loaded.model.h:
        block.register_forward_pre_hook(count("block"))
    assert len(read(reader)) == N_LAYERS + 2
    assert calls == {"model": len(TEXTS), "block": N_LAYERS * len(TEXTS)}
