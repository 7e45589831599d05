"""Work for workers; functions that their processes can import."""

import errno
import os
import signal
import time
from pathlib import Path

from dimscope.engines.shared import locate
from dimscope.engines.worker import copies_folder
from dimscope.errors import InputError


def square(number):
    return os.getpid(), number * number


def fail(number):
    if number == 3:
        raise InputError("the third is bad.")
    return number


def crash(number):
    raise ZeroDivisionError(f"{number} by 0")


def content(file):
    """What a file holds, and whether it was read at its own place."""
    path = locate(file, copies_folder())
    return path.read_bytes(), str(path) == file.path


def die_once(task):
    """Kills its process the first time; the path remembers."""
    number, path = task
    try:
        Path(path).open("x").close()
    except FileExistsError:
        return number
    return os.kill(os.getpid(), signal.SIGKILL)


def die(number):
    os.kill(os.getpid(), signal.SIGKILL)


def stop_once(task):
    """Stops its process the first time, as a hung machine would; tells its number to whoever wakes it."""
    number, path = task
    time.sleep(0.02)
    if number == 2:
        try:
            with Path(path).open("x") as handle:
                handle.write(str(os.getpid()))
        except FileExistsError:
            return number
        os.kill(os.getpid(), signal.SIGSTOP)
    return number


def full_on_one(task):
    """The first process to come has no space left on its disk."""
    number, path = task
    time.sleep(0.05)
    try:
        with Path(path).open("x") as handle:
            handle.write(str(os.getpid()))
    except FileExistsError:
        pass
    if Path(path).read_text() == str(os.getpid()):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/scratch/x")
    return number


def always_full(number):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/scratch/x")
