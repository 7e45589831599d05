"""Puts PyTorch into the environment that runs this script, without gigabytes of GPU libraries that nobody asked for.

A PyTorch that can be imported is kept as it is, whatever its build. Otherwise pip is asked what it would install, first from
the sources that it is configured with, then from PyTorch's own index of CPU builds; the first answer without GPU libraries
is installed. Needs the standard library only, and pip >= 23.3, which answers without downloading.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
GPU_PREFIXES = ("nvidia-", "cuda-", "triton", "pytorch-triton", "rocm", "intel-sycl", "onemkl", "intel-cmplr")
"""How the names of the packages begin that GPU builds of PyTorch bring along."""
PATIENCE = ("--timeout", "20", "--retries", "1")
"""An index that cannot be reached is given up soon."""


class RefusedError(Exception):
    """There is no build to install without asking; the message is for the user."""


@dataclass(frozen=True)
class Source:
    """Where pip looks.

    Attributes:
        name: in the user's words.
        options: what pip is told.
    """

    name: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What pip would install from a source.

    Attributes:
        source: the source that was asked.
        packages: names of all packages that are not there yet; None when pip found no solution.
        problem: the last line of pip's explanation in that case.
    """

    source: Source
    packages: tuple[str, ...] | None
    problem: str = ""

    @property
    def gpu_packages(self) -> tuple[str, ...]:
        """The GPU libraries among the packages."""
        return tuple(name for name in self.packages or () if is_gpu_package(name))


def is_gpu_package(name: str) -> bool:
    """True for the packages that only a GPU build of PyTorch needs."""
    return name.lower().replace("_", "-").startswith(GPU_PREFIXES)


def sources(index: str | None) -> list[Source]:
    """The sources to ask, in this order; an index that the user names is the only one."""
    if index:
        return [Source(index, ("--index-url", index))]
    return [Source("pip's configured sources"), Source(CPU_INDEX, ("--index-url", CPU_INDEX))]


def packages_of(report: str) -> tuple[str, ...]:
    """The names in an installation report of pip (`pip install --dry-run --report -`)."""
    return tuple(str(entry["metadata"]["name"]) for entry in json.loads(report)["install"])


def is_accepted(answer: Answer, *, accepts_gpu: bool) -> bool:
    """True when the answer is a solution, and a CPU build unless GPU builds are accepted."""
    return answer.packages is not None and (accepts_gpu or not answer.gpu_packages)


def refusal(requirement: str, answers: Iterable[Answer]) -> str:
    """The sentence for a user for whom no source had an acceptable build."""
    answers = list(answers)
    heavy = [answer for answer in answers if answer.gpu_packages]
    facts = "; ".join(_fact(answer) for answer in answers)
    if heavy:
        return (
            f"only a GPU build of {requirement} was found ({facts}); accept it with TORCH_GPU=1, name an index of CPU builds "
            "with TORCH_INDEX=URL, or use an environment that has PyTorch with VENV=PATH."
        )
    return (
        f"{requirement} was not found ({facts}); choose another version with TORCH='torch==VERSION', another index with "
        "TORCH_INDEX=URL, or an environment that has PyTorch with VENV=PATH."
    )


def _fact(answer: Answer) -> str:
    found = answer.gpu_packages
    what = f"{len(found)} GPU packages, among them {found[0]}" if found else answer.problem or "no solution"
    return f"{answer.source.name}: {what}"


def choose(requirement: str, answers: Iterable[Answer], *, accepts_gpu: bool) -> Source:
    """The source of the first acceptable answer; later ones are not even asked for when `answers` is lazy.

    Raises:
        RefusedError: none is acceptable.
    """
    seen = []
    for answer in answers:
        if is_accepted(answer, accepts_gpu=accepts_gpu):
            return answer.source
        seen.append(answer)
    raise RefusedError(refusal(requirement, seen))


def ask(requirement: str, source: Source) -> Answer:
    """What pip would install from this source; nothing is installed."""
    options = ("install", "--dry-run", "--quiet", "--report", "-", *PATIENCE, *source.options, requirement)
    done = subprocess.run(pip(options), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        return Answer(source, None, lines[-1].removeprefix("ERROR: ") if lines else "pip failed")
    return Answer(source, packages_of(done.stdout))


def pip(options: Sequence[str]) -> list[str]:
    """The command line of pip of this environment."""
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", *options]


def installed() -> str | None:
    """The version of the PyTorch of this environment, or None when there is none.

    Raises:
        RefusedError: it is there and broken, or pip does not know it and would install another one.
    """
    try:
        found = version("torch")
    except PackageNotFoundError:
        found = None
    try:
        import_module("torch")
    except ModuleNotFoundError as error:
        if error.name == "torch" and found is None:
            return None
        raise RefusedError(f"PyTorch {found} is installed here but cannot be imported: {error}.") from None
    except (ImportError, OSError) as error:
        raise RefusedError(f"PyTorch {found} is installed here but cannot be imported: {error}.") from None
    if found is None:
        raise RefusedError("PyTorch can be imported here, but pip does not know it and would install another one over it.")
    return found


def provide(requirement: str, index: str | None, *, accepts_gpu: bool) -> str:
    """The version of PyTorch that is there in the end.

    Raises:
        RefusedError: with one sentence that says what to do.
    """
    found = installed()
    if found is not None:
        return found
    answers = (ask(requirement, source) for source in sources(index))
    source = choose(requirement, answers, accepts_gpu=accepts_gpu)
    say(f"Installing {requirement} from {source.name} ...")
    done = subprocess.run(pip(("install", "--quiet", "--quiet", *source.options, requirement)), check=False)
    if done.returncode:
        raise RefusedError(f"pip could not install {requirement} from {source.name}.")
    return version("torch")


def keep(found: str, constraint: Path) -> None:
    """Write the constraint that ties later installations to this version; say so when it is news."""
    line = f"torch=={found}\n"
    if not constraint.exists() or constraint.read_text(encoding="utf-8") != line:
        say(f"PyTorch {found} is kept from now on.")
        constraint.write_text(line, encoding="utf-8")


def say(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Parse the command line, install, and write the constraint that keeps later installations from replacing it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requirement", help="what to ask pip for, for example torch==2.13.0")
    parser.add_argument("--index", default=None, metavar="URL", help="the only package index to ask")
    parser.add_argument("--gpu", action="store_true", help="accept a GPU build")
    parser.add_argument("--constraint", type=Path, metavar="FILE", help="write the installed version there, for pip -c")
    given = parser.parse_args()
    try:
        found = provide(given.requirement, given.index, accepts_gpu=given.gpu)
    except RefusedError as error:
        sys.exit(f"Error: {error}")
    if given.constraint is not None:
        keep(found, given.constraint)


if __name__ == "__main__":
    main()
