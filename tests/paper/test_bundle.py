import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bundles import write_bundle
from dimscope.errors import InputError
from dimscope.paper.bundle import Bundle

RNG = np.random.default_rng(0)
TENSORS = {
    "model/wte": RNG.standard_normal((5, 4)).astype(np.float32),
    "model/wpe": RNG.standard_normal((3, 4)).astype(np.float64),
    "model/half": RNG.standard_normal(7).astype(np.float16),
    "model/brain": RNG.standard_normal((2, 3)).astype(np.float32),
    "step": np.array(7, dtype=np.int64),
    "count": np.arange(300, dtype=np.int32),
    **{f"model/h{number}/ln_1/g": np.full(3, number, np.float32) for number in range(40)},
}


@pytest.mark.parametrize("shards", [1, 3])
def test_every_tensor_comes_back_bit_for_bit(tmp_path, shards):
    bundle = Bundle(write_bundle(tmp_path / "model.ckpt-5", TENSORS, shards=shards, bfloat16={"model/brain"}))
    assert bundle.names == sorted(TENSORS)
    for name, values in TENSORS.items():
        expected = (values.view("<u4") & 0xFFFF0000).view("<f4") if name == "model/brain" else values
        found = bundle.read(name)
        assert bundle.shape(name) == values.shape
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)


def test_prefix_index_and_folder_name_the_same(tmp_path):
    prefix = write_bundle(tmp_path / "model.ckpt-5", TENSORS)
    for path in (prefix, Path(f"{prefix}.index"), tmp_path):
        assert Bundle(path).prefix == prefix


def test_missing_and_ambiguous_checkpoints(tmp_path):
    with pytest.raises(InputError, match=r"no checkpoint at .*none: .*none\.index does not exist"):
        Bundle(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds 0 checkpoints \(no \*\.index file\)"):
        Bundle(tmp_path)
    write_bundle(tmp_path / "a", TENSORS)
    write_bundle(tmp_path / "b", TENSORS)
    with pytest.raises(InputError, match=r"holds 2 checkpoints \(a, b\); name one"):
        Bundle(tmp_path)


def test_a_missing_shard_is_named(tmp_path):
    prefix = write_bundle(tmp_path / "m", TENSORS, shards=3)
    Path(f"{prefix}.data-00001-of-00003").unlink()
    with pytest.raises(InputError, match=r"1 of 3 shards of .* are missing: m.data-00001-of-00003"):
        Bundle(prefix)


def test_an_unknown_tensor_names_the_nearest(tmp_path):
    bundle = Bundle(write_bundle(tmp_path / "m", TENSORS))
    assert "model/wte" in bundle
    with pytest.raises(InputError, match=r'no tensor "model/wtf" among its 46. Did you mean "model/wte"'):
        bundle.read("model/wtf")


def test_a_truncated_shard_is_named(tmp_path):
    prefix = write_bundle(tmp_path / "m", TENSORS)
    shard = Path(f"{prefix}.data-00000-of-00001")
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(InputError, match='truncated: "step" needs'):
        Bundle(prefix).read("step")


def test_every_flipped_byte_of_a_tensor_is_seen(tmp_path):
    prefix = write_bundle(tmp_path / "m", {"a": np.arange(5, dtype=np.float32)})
    shard = Path(f"{prefix}.data-00000-of-00001")
    whole = shard.read_bytes()
    for place in range(len(whole)):
        shard.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with pytest.raises(InputError, match='damaged: the checksum of "a" differs'):
            Bundle(prefix).read("a")


def test_no_damage_of_the_index_passes_or_crashes(tmp_path):
    tensors = {"a": np.arange(5, dtype=np.float32), "b": np.ones((2, 2), np.float32)}
    prefix = write_bundle(tmp_path / "m", tensors)
    index = Path(f"{prefix}.index")
    whole = index.read_bytes()
    for length in range(len(whole)):
        index.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"truncated|damaged"):
            Bundle(prefix)
    for place in range(len(whole)):
        index.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            bundle = Bundle(prefix)
            assert {name: bundle.read(name).tolist() for name in bundle.names} == {k: v.tolist() for k, v in tensors.items()}
        except InputError:
            continue


def test_compression_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"is compressed \(snappy\)"):
        Bundle(write_bundle(tmp_path / "m", TENSORS, kind=1))


@pytest.mark.tensorflow
def test_tensorflow_writes_what_is_read_and_reads_what_the_tests_write(tmp_path):
    """TENSORFLOW_PYTHON names the Python of an environment with TensorFlow (seen with tensorflow-cpu 2.21.0)."""
    python = os.environ.get("TENSORFLOW_PYTHON", sys.executable)
    np.savez(tmp_path / "arrays.npz", **TENSORS)
    written = write_bundle(tmp_path / "ours" / "model.ckpt-5", TENSORS, shards=3)
    script = Path(__file__).with_name("tensorflow_bundles.py")
    subprocess.run([python, script, tmp_path / "arrays.npz", tmp_path, written], check=True, capture_output=True)
    for folder, shards in (("one", 1), ("sharded", 3)):
        bundle = Bundle(tmp_path / folder)
        assert bundle.n_shards == shards
        assert bundle.names == sorted([*TENSORS, "brain"])
        for name, values in TENSORS.items():
            found = bundle.read(name)
            assert (found.dtype, found.shape, found.tobytes()) == (values.dtype, values.shape, values.tobytes())
        np.testing.assert_allclose(bundle.read("brain"), TENSORS["model/wte"], rtol=2**-8)
    with pytest.raises(InputError, match=r'"parted" in .* is stored in slices'):
        Bundle(tmp_path / "slices").read("parted")
    with np.load(tmp_path / "read.npz") as read:
        assert all(read[name].tobytes() == values.tobytes() for name, values in TENSORS.items())
