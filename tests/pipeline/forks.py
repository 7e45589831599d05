"""A process that has imported everything and runs each job in a fork of its own: jobs can be killed, imports are paid once.

Reads one JSON object per line: `command` (arguments of dimscope), `out` (run folder), `fatal` (at which durable write a signal
comes, 0 for never), `delay` (seconds after which the process is killed, or null), `signal` (its name), `torn` (damage the
states at that moment), `log` (file for both outputs). Answers with the exit code (negative for a signal).
"""

import json
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from dimscope import files
from dimscope.cli.main import main
from dimscope.pipeline import extract

WARM = (
    "dimscope.pipeline.run", "dimscope.cli.run", "numba", "pandas", "pyarrow.parquet", "scipy.io", "xarray",
    "transformers.models.auto.modeling_auto", "transformers.models.auto.tokenization_auto", "transformers.models.bert",
    "transformers.models.bert.modeling_bert",
)  # fmt: skip
"""What a run imports; nothing is computed here, since threads do not survive a fork."""


def damage_states(out: Path) -> None:
    """Spoil the end of every array, as if the last bytes had not reached the disk."""
    for path in sorted((out / "states").glob("*.npy")):
        with path.open("r+b") as handle:
            handle.seek(-8, 2)
            handle.write(b"damaged!")


def tear_last_write(out: Path) -> None:
    """Spoil the second half of what was written last and is not whole by its name: an array, or a temporary file."""
    written = [path for path in out.rglob("*") if path.is_file() and (path.suffix == ".npy" or ".part" in path.name)]
    for path in sorted(written, key=lambda one: one.stat().st_mtime_ns)[-1:]:
        size = path.stat().st_size
        if path.suffix == ".npy":
            with path.open("r+b") as handle:
                handle.seek(size // 2)
                handle.write(bytes(byte ^ 255 for byte in path.read_bytes()[size // 2 :]))
        else:
            os.truncate(path, size // 2)


def run_job(job: dict[str, Any]) -> None:
    """Run the command; never returns."""
    handle = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    extract.BLOCK_ROWS = 16
    finish, count = files.sync_folder, 0

    def die_sometimes(folder: Path) -> None:
        nonlocal count
        count += 1
        if job["signal"] == "SIGINT":
            finish(folder)
        if count == job["fatal"]:
            if job["torn"]:
                damage_states(Path(job["out"]))
            os.kill(os.getpid(), signal.Signals[job["signal"]])
        finish(folder)

    files.sync_folder = die_sometimes
    code: Any = 1
    try:
        main(job["command"])
    except SystemExit as left:
        code = left.code
    Path(job["log"]).with_suffix(".count").write_text(str(count))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


def serve() -> None:
    """Answer jobs until the input ends."""
    for name in WARM:
        import_module(name)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            run_job(job)
        if job["delay"] is not None:
            time.sleep(job["delay"])
            os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if job["delay"] is not None and job["torn"]:
            tear_last_write(Path(job["out"]))
        print(code, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    serve()
