"""The first stage: what is written, in which order, and what is refused before anything is written."""

import json
import shutil
from collections import namedtuple

import numpy as np
import pytest
from pyarrow import parquet
from safetensors.torch import load_file, save_file

from dimscope.errors import InputError, ModelError, StoreError, UsageError
from dimscope.pipeline import extract as module
from dimscope.pipeline import filling
from dimscope.pipeline.extract import extract, extraction_key
from dimscope.pipeline.measure import measure
from dimscope.pipeline.run import run_stages
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder
from dimscope.store.manifest import Manifest
from tiny import MAX_TOKENS, make_texts

LAYERS = {"bert": ["embed_00", "block_01", "block_02", "block_03"]}


def states_of(folder):
    return {path.stem: np.load(path) for path in sorted(folder.states.glob("*.npy"))}


def run(config, out):
    extract(config, RunFolder(out), Silent())
    return RunFolder(out)


def write_texts(path, made, ids=None):
    rows = [f"{ids[row] if ids else f'e{row}'},{text},l{len(text.split()) % 2}" for row, text in enumerate(made)]
    path.write_text("\n".join(["id,text,label", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def extracted(small, bert, tmp_path):
    return run(small(bert), tmp_path / "run")


def test_points_say_who_is_in_which_row(extracted, texts):
    lines = [line.split(",") for line in texts.read_text().splitlines()[1:]]
    found = parquet.read_table(extracted.points).to_pydict()
    assert found["id"] == [f"e{row}" for row in range(60)]
    assert found["text"] == [line[1] for line in lines]
    assert found["label"] == [line[2] for line in lines]
    assert found["group"] == [None] * 60
    assert found["n_tokens"] == [len(line[1].split()) + 2 for line in lines]
    assert not any(found["truncated"])
    first = {}
    assert found["duplicate_of"] == [f"e{first.setdefault(line[1], row)}" for row, line in enumerate(lines)]
    assert found["duplicate_of"][8] == "e7"


def test_equal_texts_have_equal_bits_in_every_layer_and_across_blocks(small, bert, tmp_path):
    made = make_texts(60, seed=5)
    made[40], made[59], made[3] = made[2], made[2], made[1]
    folder = run(small(bert, {"path": str(write_texts(tmp_path / "t.csv", made))}, batch_size=3), tmp_path / "run")
    for states in states_of(folder).values():
        for row, first in ((40, 2), (59, 2), (3, 1)):
            np.testing.assert_array_equal(states[row], states[first])
        assert not np.array_equal(states[2], states[1])


def test_a_block_of_nothing_but_repetitions(small, bert, tmp_path):
    made = make_texts(32, seed=5)
    folder = run(small(bert, {"path": str(write_texts(tmp_path / "t.csv", made + made[::-1]))}), tmp_path / "run")
    for states in states_of(folder).values():
        np.testing.assert_array_equal(states[32:], states[:32][::-1])


def test_the_manifest_names_layers_model_and_data(extracted, bert):
    content = Manifest(extracted.path).content
    assert [(layer["name"], layer["site"], layer["index"]) for layer in content["layers"]] == [
        ("embed_00", "embed", 0), ("block_01", "block", 1), ("block_02", "block", 2), ("block_03", "block", 3),
    ]  # fmt: skip
    assert [layer["depth"] for layer in content["layers"]] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert [layer["module"] for layer in content["layers"]][1:] == [f"encoder.layer.{number}" for number in range(3)]
    model = content["model"]
    assert (model["class"], model["n_layers"], model["pool"]) == ("BertModel", 3, "mean")
    assert (model["special_tokens"], model["site"]) == ("exclude", "block")
    data = content["data"]
    assert (data["n_examples"], data["n_dropped"], data["n_truncated"], data["n_labels"]) == (60, 0, 0, 2)
    table = parquet.read_table(extracted.points).to_pydict()
    assert data["n_duplicate_texts"] == sum(first != own for first, own in zip(table["duplicate_of"], table["id"], strict=True))
    assert Manifest(extracted.path).damaged_files() == []


def test_a_second_call_loads_no_model(small, bert, extracted, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in extracted.path.rglob("*") if path.is_file()}
    monkeypatch.setattr(module, "open_reading", lambda *_, **__: pytest.fail("loaded"))
    told = []

    class Listener(Silent):
        def message(self, text):
            told.append(text)

    extract(small(bert), extracted, Listener())
    assert told == ["states of 60 examples are there already"]
    assert {path: path.stat().st_mtime_ns for path in extracted.path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "points"])
def test_damaged_states_are_read_again(small, bert, extracted, damage):
    expected = states_of(extracted)
    path = extracted.states / "block_02.npy"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "changed":
        path.write_bytes(path.read_bytes()[:-4] + b"abcd")
    else:
        (path if damage == "gone" else extracted.points).unlink()
    run(small(bert), extracted.path)
    for name, states in states_of(extracted).items():
        np.testing.assert_array_equal(states, expected[name])
    assert extracted.points.exists()


def test_only_missing_blocks_are_read(small, bert, extracted, monkeypatch):
    expected = states_of(extracted)
    progress = json.loads((extracted.states / "progress.json").read_text())
    del progress["done"]["2"]
    (extracted.states / "progress.json").write_text(json.dumps(progress))
    read = []
    original = filling.read_rows

    def spy(reader, tokens, start, stop, advance):
        read.append((start, stop))
        return original(reader, tokens, start, stop, advance)

    monkeypatch.setattr(filling, "read_rows", spy)
    run(small(bert), extracted.path)
    assert read == [(32, 48)]
    for name, states in states_of(extracted).items():
        np.testing.assert_array_equal(states, expected[name])


def profile_values(config, folder):
    profile = measure(config, folder, Silent())
    return {name: profile.values(name) for name in profile.quantities if not name.endswith("_err")}


VARIANTS = {
    "batch 1": {"batch_size": 1},
    "batch 7": {"batch_size": 7},
    "batch 64": {"batch_size": 64},
    "left": {"padding": "left", "batch_size": 7},
}


@pytest.mark.parametrize("family", ["bert", "gpt2"])
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_batch_and_padding_change_neither_vectors_nor_profile(small, request, tmp_path, family, variant):
    model = request.getfixturevalue(family)
    plain, other = small(model), small(model, **VARIANTS[variant])
    first, second = run(plain, tmp_path / "plain"), run(other, tmp_path / "other")
    for name, states in states_of(second).items():
        expected = states_of(first)[name]
        np.testing.assert_allclose(states, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    found, expected = profile_values(other, second), profile_values(plain, first)
    assert list(found) == list(expected)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_the_order_of_examples_changes_neither_vectors_nor_profile(small, request, tmp_path, family):
    model = request.getfixturevalue(family)
    made = make_texts(60, seed=5)
    order = np.random.default_rng(2).permutation(60)
    paths = [
        write_texts(tmp_path / "plain.csv", made),
        write_texts(tmp_path / "shuffled.csv", [made[row] for row in order], [f"e{row}" for row in order]),
    ]
    configs = [small(model, {"path": str(path)}) for path in paths]
    folders = [run(config, tmp_path / path.stem) for config, path in zip(configs, paths, strict=True)]
    plain, shuffled = (states_of(folder) for folder in folders)
    for name, states in plain.items():
        np.testing.assert_allclose(shuffled[name], states[order], rtol=1e-5, atol=1e-5 * np.abs(states).max())
    expected, found = (profile_values(config, folder) for config, folder in zip(configs, folders, strict=True))
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-9, err_msg=name)


def test_two_runs_with_one_seed_have_the_same_bits(small, bert, tmp_path):
    contents = []
    for name in ("a", "b"):
        run_stages(small(bert, {"points": 45, "seed": 3}), tmp_path / name, with_report=False)
        skipped = {"log.jsonl", "manifest.json"}
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file() and path.name not in skipped]
        contents.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert len(contents[0]) > 12
    other = run(small(bert, {"points": 45, "seed": 4}), tmp_path / "c")
    assert parquet.read_table(other.points)["id"] != parquet.read_table(RunFolder(tmp_path / "a").points)["id"]


def test_long_texts_are_cut_counted_and_reported(small, bert, tmp_path):
    made = make_texts(60, seed=5)
    for row in (5, 20, 21):
        made[row] = " ".join(f"w{number % 60}" for number in range(MAX_TOKENS + row))
    config = small(bert, {"path": str(write_texts(tmp_path / "t.csv", made))})
    result = run_stages(config, tmp_path / "run", with_report=False)
    table = parquet.read_table(result.folder.points).to_pydict()
    assert [row for row, cut in enumerate(table["truncated"]) if cut] == [5, 20, 21]
    assert table["n_tokens"][5] == MAX_TOKENS
    found = [finding for finding in result.findings if finding.code == "P003"]
    assert [finding.text for finding in found] == [
        f"3 of 60 examples were longer than {MAX_TOKENS} tokens; only their beginning was read."
    ]
    assert "P003" in result.folder.findings.read_text()


def assert_refused(config, out, kind, text):
    with pytest.raises(kind, match=text) as caught:
        run(config, out)
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_empty_texts_are_named_and_nothing_is_written(small, bert, tmp_path):
    made = make_texts(60, seed=5)
    path = tmp_path / "t.jsonl"
    made[17], made[33] = "\u200b", "\u200b"
    rows = [{"id": f"e{row}", "text": text, "label": "l"} for row, text in enumerate(made)]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    tokenizer = shutil.copytree(bert, tmp_path / "model") / "tokenizer.json"
    content = json.loads(tokenizer.read_text())
    content["normalizer"] = {"type": "Replace", "pattern": {"String": "\u200b"}, "content": ""}
    tokenizer.write_text(json.dumps(content))
    text = r"^2 of 60 texts are empty after tokenising \(ids e17, e33\)\. Remove them from the data, or choose --special-tokens"
    assert_refused(small(tmp_path / "model", {"path": str(path)}), tmp_path / "run", InputError, text)


@pytest.mark.parametrize(
    ("made", "measure", "text"),
    [
        (["w1 w2"] * 60, {}, "all distinct texts are equal, or there is only one; there is no geometry to measure"),
        (["w1"], {}, "all examples are equal, or there is only one; there is no geometry"),
        (
            make_texts(21),
            {},
            r"21 examples were found, but --k 20 needs at least 22\. Give more examples, or choose --k 19 or less",
        ),
        (["w1 w2", "w3", "w4", "w5"] * 15, {"k": 10}, r"4 distinct texts were found, but --k 10 needs at least 12\. Give more"),
        ([f"w{n % 15} w1" for n in range(60)], {}, r"15 distinct texts were found, but --k 20 needs .* choose --k 13 or less"),
    ],
    ids=["all equal", "one", "few", "few distinct", "few distinct, smaller k"],
)
def test_too_few_texts(small, bert, tmp_path, made, measure, text):
    config = small(bert, {"path": str(write_texts(tmp_path / "t.csv", made))}, measure)
    assert_refused(config, tmp_path / "run", InputError, text)


def test_k_plus_two_points_are_enough(small, bert, tmp_path):
    made = list(dict.fromkeys(make_texts(40)))[:22]
    config = small(bert, {"path": str(write_texts(tmp_path / "t.csv", made))})
    result = run_stages(config, tmp_path / "run", with_report=False)
    assert result.profile.values("n").tolist() == [22] * 4
    assert result.profile.values("k").tolist() == [20] * 4


def change_weights(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_model_of_nans_is_refused_before_anything_is_written(small, bert, tmp_path):
    def poison(tensors):
        tensors["encoder.layer.2.output.LayerNorm.weight"][0] = float("nan")

    model = change_weights(shutil.copytree(bert, tmp_path / "model"), poison)
    assert_refused(
        small(model), tmp_path / "run", InputError, r"layer block_03 \(encoder\.layer\.2\) holds NaN or Inf .* \(ids e"
    )


def test_examples_that_overflow_are_named_and_no_result_is_written(small, gpt2, tmp_path):
    def enlarge(tensors):
        tensors["wte.weight"][64, 3] = 6e4
        tensors["h.0.mlp.c_proj.bias"][3] = 1e4

    model = change_weights(shutil.copytree(gpt2, tmp_path / "model"), enlarge)
    made = [text.replace("w59", "w1") for text in make_texts(60, seed=5)]
    made[50] += " w59"
    config = small(model, {"path": str(write_texts(tmp_path / "t.csv", made))}, dtype="float16")
    with pytest.raises(InputError, match=r"^layer block_01 \(h\.0\) holds NaN or Inf for 1 examples of a batch \(ids e50\)"):
        run_stages(config, tmp_path / "run")
    found = {path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert not {"profile.csv", "profile.nc", "recommendation.json", "report.html"} & found
    assert not list((tmp_path / "run").rglob("*.part*"))
    assert "extract" not in Manifest(tmp_path / "run").content["stages"]


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"layers": "9"}, UsageError, "this model has layers 0 to 3"),
        ({"site": "block_norm"}, ModelError, "post-norm architecture"),
        ({"max_tokens": 999}, UsageError, "reads at most 40 tokens"),
        ({"device": "banana"}, UsageError, 'device "banana" was asked for'),
        ({"name": "/nowhere"}, ModelError, "the model folder /nowhere does not exist"),
    ],
)
def test_options_that_the_model_cannot_meet_leave_nothing_behind(small, bert, tmp_path, options, kind, text):
    assert_refused(small(options.pop("name", bert), **options), tmp_path / "run", kind, text)


def test_a_disk_without_room_is_seen_before_anything_is_written(small, bert, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    text = r"the states need 31\.2 kB \(60 examples, 4 layers\), 1 kB are free at .*\. Free some space"
    assert_refused(small(bert), tmp_path / "run", StoreError, text)


def test_the_key_follows_what_the_states_depend_on(small, bert, tmp_path):
    model = shutil.copytree(bert, tmp_path / "model")
    base = extraction_key(small(model), "sha256:1")
    assert extraction_key(small(model, measure={"k": 30}), "sha256:1") == base
    others = [
        extraction_key(small(model), "sha256:2"),
        extraction_key(small(model, {"seed": 1}), "sha256:1"),
        extraction_key(small(model, pool="last"), "sha256:1"),
    ]
    change_weights(model, lambda tensors: tensors["pooler.dense.bias"].zero_())
    others.append(extraction_key(small(model), "sha256:1"))
    assert len({base, *others}) == 5


def test_the_key_follows_the_content_of_a_cluster_file(small, bert, tmp_path):
    path = tmp_path / "clusters.npy"
    keys = [extraction_key(small(bert, clusters=str(path)), "sha256:1")]
    for colors in (np.zeros((16, 3)), np.ones((16, 3)), np.zeros((16, 3))):
        np.save(path, colors)
        keys.append(extraction_key(small(bert, clusters=str(path)), "sha256:1"))
    assert len(set(keys)) == 3
    assert keys[1] == keys[3]


def test_changed_weights_start_over(small, bert, tmp_path):
    model = shutil.copytree(bert, tmp_path / "model")
    folder = run(small(model), tmp_path / "run")
    before = states_of(folder)
    change_weights(model, lambda tensors: tensors["encoder.layer.1.output.dense.bias"][:3].add_(1.0))
    run(small(model), tmp_path / "run")
    after = states_of(folder)
    np.testing.assert_array_equal(after["block_01"], before["block_01"])
    assert np.abs(after["block_02"] - before["block_02"]).max() > 0.1
