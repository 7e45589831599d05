"""Uses an installed dimscope as a user would, in an environment without development tools; fails at the first defect."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

DEVELOPMENT = ("pytest", "hypothesis", "mypy", "ruff", "importlinter")
"""Modules that must not be there, or the trial proves nothing."""
N_POINTS, WIDTH, N_LAYERS = 200, 6, 3


def command(*arguments: str) -> str:
    """What `dimscope` with these arguments prints on stdout; it must end with exit code 0."""
    program = Path(sys.executable).with_name("dimscope")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"dimscope {' '.join(arguments)} left with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def python(code: str) -> None:
    """Run a line of Python that must not fail."""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def measure_arrays(folder: Path) -> None:
    """Measure arrays up to the report, so that every packaged file is needed once."""
    shape = (N_LAYERS, N_POINTS, WIDTH)
    python(f"import numpy; numpy.save({str(folder / 'layers.npy')!r}, numpy.random.default_rng(0).normal(size={shape}))")
    command("measure", str(folder / "layers.npy"), "-o", str(folder / "run"), "--k", "32", "-q")
    written = {path.name for path in (folder / "run").iterdir()}
    missing = {"profile.csv", "profile.nc", "recommendation.json", "report.html"} - written
    if missing:
        sys.exit(f"measure did not write {', '.join(sorted(missing))}")


def main() -> None:
    """All trials."""
    names = ", ".join(repr(name) for name in DEVELOPMENT)
    python(f"from importlib.util import find_spec; assert not [name for name in ({names}) if find_spec(name)]")
    python("import sys, dimscope; assert not {'torch', 'matplotlib', 'xarray'} & set(sys.modules)")
    assert "Usage: dimscope" in command("--help")
    assert "MISSING" not in command("doctor")
    assert "twonn" in command("list", "estimators")
    with TemporaryDirectory() as folder:
        measure_arrays(Path(folder))
    sys.stdout.write("The wheel works without development tools.\n")


if __name__ == "__main__":
    main()
