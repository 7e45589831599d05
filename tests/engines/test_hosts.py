"""Workers on hosts of their own: network namespaces with one cable each, one of which does not see the driver's disk.

Run with -m slow, as root of a Linux machine with `ip` and `unshare`.
"""

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack

import numpy as np
import pytest

from dimscope.engines.on_dask import open_dask
from dimscope.knn import on_tiles, parts, spread

HOSTS = ("one", "two", "three")
NETWORK = "10.207.61"
TAG = f"ds{os.getpid() % 10_000}"

pytestmark = pytest.mark.slow


def call(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def network():
    """A bridge and three namespaces, `TAG-one` ..., reached at 10.207.61.11 ...; the driver is 10.207.61.1."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        pytest.skip("needs root, ip and unshare")
    with ExitStack() as undo:
        try:
            call("ip", "link", "add", TAG, "type", "bridge")
        except subprocess.CalledProcessError as problem:
            pytest.skip(f"no network namespaces here: {problem.stderr}")
        undo.callback(call, "ip", "link", "del", TAG)
        call("ip", "addr", "add", f"{NETWORK}.1/24", "dev", TAG)
        call("ip", "link", "set", TAG, "up")
        for number, host in enumerate(HOSTS):
            space, cable = f"{TAG}-{host}", f"{TAG}v{number}"
            call("ip", "netns", "add", space)
            undo.callback(call, "ip", "netns", "del", space)
            call("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
            call("ip", "link", "set", cable, "master", TAG, "up")
            call("ip", "-n", space, "addr", "add", f"{NETWORK}.{11 + number}/24", "dev", "eth0")
            call("ip", "-n", space, "link", "set", "eth0", "up")
            call("ip", "-n", space, "link", "set", "lo", "up")
        yield


@pytest.fixture
def points(tmp_path):
    """What is searched, in a folder that host `two` sees empty."""
    folder = tmp_path / "shared"
    folder.mkdir()
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(6000, 64)).astype(np.float32))
    return folder / "x.npy"


@pytest.fixture
def engine(network, points, tmp_path, request):
    """An engine with one worker on each host; with the parameter `full`, host `two` has 200 kB of disk."""
    dask = [sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://{NETWORK}.1:8786", "--no-dashboard"]
    dask += ["--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--local-directory"]
    with ExitStack() as undo:

        def start(*words):
            process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            undo.callback(process.wait)
            undo.callback(process.kill)

        scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", f"{NETWORK}.1", "--port", "8786"]
        start(*scheduler, "--no-dashboard")
        for host in HOSTS:
            inside = ["ip", "netns", "exec", f"{TAG}-{host}"]
            if host == "two":
                hide = f'mount -t tmpfs none {points.parent} && exec "$@"'
                if getattr(request, "param", "") == "full":
                    (tmp_path / host).mkdir()
                    hide = f"mount -t tmpfs -o size=200k none {tmp_path / host} && {hide}"
                inside += ["unshare", "-m", "sh", "-c", hide, "sh"]
            start(*inside, *dask, tmp_path / host)
        found = connected(undo)
        yield found


def connected(undo):
    deadline = time.monotonic() + 60
    while True:
        try:
            engine = undo.enter_context(open_dask(f"tcp://{NETWORK}.1:8786", None, patience=4.0))
            break
        except Exception:
            if time.monotonic() > deadline:
                raise
    while engine.n_workers < len(HOSTS) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert engine.n_workers == len(HOSTS)
    return engine


def test_a_host_that_is_cut_off_and_one_without_the_disk_change_no_bit(engine, points, monkeypatch):
    stored = np.load(points, mmap_mode="r")
    expected = on_tiles.search(stored, 30)
    cut, sent = [], []
    original, sending = engine.map, engine.send

    def disturbed(work, tasks):
        for count, answer in enumerate(original(work, tasks)):
            if work is parts.perform and count == 1 and not cut:
                cut.append(time.monotonic())
                call("ip", "link", "set", f"{TAG}v2", "down")
            yield answer

    monkeypatch.setattr(engine, "map", disturbed)
    monkeypatch.setattr(engine, "send", lambda file, address: sent.append(address) or sending(file, address))
    indices, distances, _ = spread.search(stored, 30, path=points, engine=engine)
    assert cut
    assert {address.split("/")[-1].split(":")[0] for address in sent} == {f"{NETWORK}.12"}
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_array_equal(distances.view(np.int64), expected[1].view(np.int64))
    call("ip", "link", "set", f"{TAG}v2", "up")


@pytest.mark.parametrize("engine", ["full"], indirect=True)
def test_a_host_whose_disk_is_full_gets_no_more_tasks(engine, points):
    stored = np.load(points, mmap_mode="r")
    indices, distances, _ = spread.search(stored, 30, path=points, engine=engine)
    expected = on_tiles.search(stored, 30)
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_array_equal(distances.view(np.int64), expected[1].view(np.int64))
    ((address, reason),) = engine.barred.items()
    assert f"{NETWORK}.12:" in address
    assert reason.startswith("No space left on device: ")
