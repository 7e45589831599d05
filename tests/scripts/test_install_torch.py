import json
import sys
from pathlib import Path

import pytest

from loading import loaded

PLACE = Path(__file__).parents[2] / "scripts" / "install_torch.py"


@pytest.fixture(scope="module")
def script():
    with loaded("scripts/install_torch.py", "install_torch") as module:
        yield module


@pytest.fixture
def answers(script):
    def make(*packages):
        return [script.Answer(source, found) for source, found in zip(script.sources(None), packages, strict=True)]

    return make


CPU = ("torch", "sympy", "networkx")
CUDA = ("torch", "nvidia-cublas", "triton")


@pytest.mark.parametrize(
    "name", ["nvidia-cublas-cu12", "nvidia_cudnn_cu12", "NVIDIA-NCCL", "cuda-bindings", "triton", "pytorch-triton-rocm"]
)
def test_gpu_packages_are_recognised(script, name):
    assert script.is_gpu_package(name)


@pytest.mark.parametrize("name", ["torch", "numpy", "fsspec", "sympy", "typing_extensions", "MarkupSafe", "setuptools"])
def test_other_packages_are_not(script, name):
    assert not script.is_gpu_package(name)


def test_configured_sources_are_asked_first_and_then_the_cpu_index(script):
    first, second = script.sources(None)
    assert first.options == ()
    assert second.options == ("--index-url", script.CPU_INDEX)


def test_an_index_that_is_named_is_the_only_source(script):
    (only,) = script.sources("https://example.org/simple")
    assert only.options == ("--index-url", "https://example.org/simple")


def test_report_of_pip_gives_the_names(script):
    report = json.dumps({"version": "1", "install": [{"metadata": {"name": name, "version": "1"}} for name in CUDA]})
    assert script.packages_of(report) == CUDA


def test_cpu_build_of_the_configured_sources_is_taken(script, answers):
    assert script.choose("torch", answers(CPU, CPU), accepts_gpu=False).options == ()


def test_later_sources_are_not_asked_when_the_first_will_do(script):
    asked = []

    def lazily():
        for source in script.sources(None):
            asked.append(source.name)
            yield script.Answer(source, CPU)

    script.choose("torch", lazily(), accepts_gpu=False)
    assert asked == ["pip's configured sources"]


def test_cpu_index_is_taken_when_the_configured_sources_bring_gpu_libraries(script, answers):
    assert script.choose("torch", answers(CUDA, CPU), accepts_gpu=False).name == script.CPU_INDEX


def test_gpu_build_is_taken_when_it_is_accepted(script, answers):
    assert script.choose("torch", answers(CUDA, CPU), accepts_gpu=True).options == ()


@pytest.mark.parametrize("second", [None, CUDA])
def test_gpu_build_is_refused_with_one_sentence_that_says_what_to_do(script, answers, second):
    with pytest.raises(script.RefusedError) as refused:
        script.choose("torch==2.13.0", answers(CUDA, second), accepts_gpu=False)
    text = str(refused.value)
    assert "only a GPU build of torch==2.13.0 was found" in text
    assert "2 GPU packages, among them nvidia-cublas" in text
    assert all(way in text for way in ("TORCH_GPU=1", "TORCH_INDEX=URL", "VENV=PATH"))
    assert "\n" not in text


def test_no_build_at_all_names_the_problem_of_each_source(script):
    first, second = script.sources(None)
    found = [script.Answer(first, None, "No matching distribution"), script.Answer(second, None, "")]
    with pytest.raises(script.RefusedError, match=r"No matching distribution.*no solution.*TORCH='torch==VERSION'"):
        script.choose("torch==99", found, accepts_gpu=True)


def test_installed_torch_is_kept_without_asking_pip(script, monkeypatch):
    monkeypatch.setattr(script, "installed", lambda: "2.99.0+cu199")
    monkeypatch.setattr(script, "ask", lambda *_: pytest.fail("pip was asked"))
    assert script.provide("torch==2.13.0", None, accepts_gpu=False) == "2.99.0+cu199"


def test_broken_torch_is_reported(script, monkeypatch):
    def broken(_name):
        raise OSError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr(script, "version", lambda _: "2.99.0")
    monkeypatch.setattr(script, "import_module", broken)
    with pytest.raises(script.RefusedError, match=r"2\.99\.0 is installed here but cannot be imported: libcudart"):
        script.installed()


def test_torch_that_pip_does_not_know_is_refused(script, monkeypatch):
    def unknown(_name):
        raise script.PackageNotFoundError

    monkeypatch.setattr(script, "version", unknown)
    monkeypatch.setattr(script, "import_module", lambda _: None)
    with pytest.raises(script.RefusedError, match="pip does not know it"):
        script.installed()


def test_constraint_follows_the_version_that_is_found_and_says_so_once(script, tmp_path, capsys):
    place = tmp_path / "torch.txt"
    for version in ("2.13.0+cpu", "2.13.0+cpu", "2.14.0+cu140"):
        script.keep(version, place)
    assert place.read_text() == "torch==2.14.0+cu140\n"
    assert capsys.readouterr().err.splitlines() == [
        "PyTorch 2.13.0+cpu is kept from now on.",
        "PyTorch 2.14.0+cu140 is kept from now on.",
    ]


def test_script_writes_the_constraint(script, monkeypatch, tmp_path):
    monkeypatch.setattr(script, "installed", lambda: "2.13.0+cpu")
    monkeypatch.setattr(sys, "argv", ["install_torch.py", "torch==2.13.0", "--constraint", str(tmp_path / "torch.txt")])
    script.main()
    assert (tmp_path / "torch.txt").read_text() == "torch==2.13.0+cpu\n"


def test_refusal_ends_the_script_with_one_line(script, monkeypatch):
    def refuse(*_args, **_options):
        raise script.RefusedError("only a GPU build was found.")

    monkeypatch.setattr(script, "provide", refuse)
    monkeypatch.setattr(sys, "argv", ["install_torch.py", "torch"])
    with pytest.raises(SystemExit, match="Error: only a GPU build was found"):
        script.main()
