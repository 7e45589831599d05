"""Runs on another file system: same bytes, never a false manifest, and from any death on to the same end."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import fsspec
import numpy as np
import pytest

from dimscope.config import config_from
from dimscope.errors import StoreError, UsageError
from dimscope.models.reader import Reader
from dimscope.pipeline import extract
from dimscope.pipeline.run import run_stages
from dimscope.store.folder import RunFolder, open_folder
from dimscope.store.remote import Objects
from dimscope.store.staging import placed, shown

CHANGING = {"log.jsonl", "manifest.json"}
"""Times stand in them."""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(extract, "BLOCK_ROWS", 16)


@pytest.fixture
def place(request):
    yield Path(f"memory://{abs(hash(request.node.nodeid))}/runs/x")
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def config(texts, bert):
    def make(measure=None, **model):
        data = {"path": str(texts), "text": "text", "label": "label", "id": "id"}
        measure = {"k": 20, "overlap_k": 10, "replicates": 10, **(measure or {})}
        return config_from({"data": data, "model": {"name": str(bert), **model}, "measure": measure})

    return make


def run_at(place, config, **options):
    with placed(place) as folder:
        return run_stages(config, folder, with_report=False, **options)


def bytes_at(place):
    objects = Objects(str(place).replace(":/", "://"))
    return {name: objects._system.cat_file(objects._place(name)) for name in objects.sizes()}


def results(content):
    return {name: data for name, data in content.items() if name.rpartition("/")[2] not in CHANGING}


def local_results(config, out):
    run_stages(config, out, with_report=False)
    return results({path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()})


def false_entries(content):
    """What manifests list that is not there, or has other bytes."""
    wrong = []
    for name in (name for name in content if name.endswith("manifest.json")):
        owner, manifest = name.removesuffix("manifest.json"), json.loads(content[name])
        listed = {inside for stage in manifest.get("stages", {}).values() for inside in stage["files"]}
        for inside in listed | set(manifest.get("hashes", {})):
            found = content.get(owner + inside)
            if found is None or "sha256:" + sha256(found).hexdigest() != manifest["hashes"].get(inside):
                wrong.append(owner + inside)
    return wrong


@pytest.fixture
def changes(monkeypatch):
    """Calls a function after each change of the store: `changes(check)`."""

    def after_each(check):
        for name in ("put", "put_bytes", "remove"):
            before = getattr(Objects, name)

            def change(self, *given, before=before):
                before(self, *given)
                check(self)

            monkeypatch.setattr(Objects, name, change)

    return after_each


@pytest.mark.parametrize("model", [{}, {"pool": "mean,last"}, {"pool": "tokens", "layers": "1:2"}])
def test_what_is_there_equals_a_run_on_this_machine(config, place, tmp_path, model):
    run_at(place, config(**model))
    content = bytes_at(place)
    assert results(content) == local_results(config(**model), tmp_path / "run")
    assert false_entries(content) == []
    assert not Path(str(place)).exists()


def test_at_no_instant_does_a_manifest_list_what_is_not_there(config, place, changes):
    seen = []

    def check(objects):
        content = bytes_at(place)
        seen.append(sorted(json.loads(content["manifest.json"]).get("stages", {})) if "manifest.json" in content else [])
        assert false_entries(content) == []

    changes(check)
    run_at(place, config())
    run_at(place, config({"k": 25, "control": ("gaussian",)}), on_existing="redo")
    run_at(place, config(pool="last"), on_existing="redo")
    assert len(seen) > 60
    assert [] in seen[30:]  # starting over took everything off the list first


def test_a_second_run_reads_nothing_again(config, place, monkeypatch):
    run_at(place, config())
    before = bytes_at(place)
    monkeypatch.setattr(Reader, "read", lambda *_: pytest.fail("the model was called"))
    for module in ("searching", "tasks"):
        monkeypatch.setattr(f"dimscope.pipeline.{module}.search_distinct", lambda *_, **__: pytest.fail("searched"))
    run_at(place, config())
    assert results(bytes_at(place)) == results(before)


class Death(BaseException):
    """The process ends here."""


def die_after(monkeypatch, n_changes):
    """Lets the n-th change of the store be the last one."""
    left = [n_changes]
    for name in ("put", "put_bytes", "remove"):
        before = getattr(Objects, name)

        def change(self, *given, before=before):
            before(self, *given)
            left[0] -= 1
            if left[0] <= 0:
                raise Death

        monkeypatch.setattr(Objects, name, change)
    return left


def die_and_go_on(config, place, n_changes):
    """Whether the run died, and its results after it was started again."""
    with pytest.MonkeyPatch.context() as patch:
        left = die_after(patch, n_changes)
        with suppress(Death):
            run_at(place, config)
    assert false_entries(bytes_at(place)) == []
    run_at(place, config)
    return left[0] <= 0, results(bytes_at(place))


@pytest.mark.parametrize("n_changes", [1, 6, 9, 13, 22])
def test_a_death_leads_to_the_same_end(config, place, tmp_path, n_changes):
    died, found = die_and_go_on(config(), place, n_changes)
    assert died
    assert found == local_results(config(), tmp_path / "run")


@pytest.mark.slow
def test_every_death_leads_to_the_same_end(config, place, tmp_path):
    expected, n_changes, died = local_results(config(), tmp_path / "run"), 0, True
    while died:
        n_changes += 1
        fsspec.filesystem("memory").store.clear()
        died, found = die_and_go_on(config(), place, n_changes)
        assert found == expected, n_changes
    assert n_changes > 30


def test_finished_blocks_are_not_read_again(config, place, monkeypatch):
    read, before = [], Reader.read
    monkeypatch.setattr(Reader, "read", lambda self, rows, advance: (read.append(len(rows)), before(self, rows, advance))[1])

    def stop_after_two(self, rows, advance):
        if len(read) == 2:
            raise Death
        read.append(len(rows))
        return before(self, rows, advance)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reader, "read", stop_after_two)
        with pytest.raises(Death):
            run_at(place, config())
    assert sum(name.startswith("states/blocks/") for name in bytes_at(place)) == 2
    assert not [name for name in bytes_at(place) if name.endswith(".npy")]
    run_at(place, config())
    assert len(read) == 4
    assert sum(read) == 59  # one text repeats another
    assert not [name for name in bytes_at(place) if "blocks" in name]


@pytest.mark.parametrize("name", ["neighbors/block_02.npz", "states/block_01.npy", "states/progress.json"])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_damage_there_is_found_and_mended(config, place, name, damage):
    run_at(place, config())
    before, objects = bytes_at(place), Objects(str(place).replace(":/", "://"))
    if damage == "gone":
        objects.remove([name])
    elif name.endswith(".json"):
        objects.put_bytes(before[name].replace(b'"block": 16', b'"block": 17'), name)
    else:
        objects.put_bytes(before[name][:-9] + b"\1" + before[name][-8:], name)
    run_at(place, config())
    assert results(bytes_at(place)) == results(before)


def test_a_damaged_block_is_read_again(config, place, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        die_after(patch, 8)
        with pytest.raises(Death):
            run_at(place, config())
    objects = Objects(str(place).replace(":/", "://"))
    name = "states/blocks/000000.npz"
    data = bytearray(bytes_at(place)[name])
    data[len(data) // 2] ^= 255
    objects.put_bytes(bytes(data), name)
    run_at(place, config())
    assert results(bytes_at(place)) == local_results(config(), tmp_path / "run")


@pytest.mark.parametrize("name", ["manifest.json", "states/progress.json"])
@pytest.mark.parametrize("content", [b"", b"[1]", b'{"done": {"x": 1}}'])
def test_what_is_no_list_is_refused_in_a_sentence(config, place, name, content):
    run_at(place, config())
    url = str(place).replace(":/", "://")
    Objects(url).put_bytes(content, name)
    with pytest.raises(StoreError, match=rf"^{url}/{name} is (damaged; choose --on-existing redo|not a dimscope manifest)"):
        run_at(place, config())
    before = results(bytes_at(place))
    run_at(place, config(), on_existing="redo")
    assert {path: data for path, data in results(bytes_at(place)).items() if path != name} == {
        path: data for path, data in before.items() if path != name
    }


def test_a_reader_copies_what_it_wants_and_changes_nothing(config, place):
    run_at(place, config())
    before = bytes_at(place)
    with placed(place, writes=False, wanted=lambda name: not name.startswith("states/")) as folder:
        assert not (folder / "states").exists()
        assert open_folder(folder).profile.read_bytes() == before["profile.nc"]
        (folder / "profile.nc").write_bytes(b"other")
        assert shown(folder / "profile.nc") == f"{str(place).replace(':/', '://')}/profile.nc"
    assert bytes_at(place) == before
    assert shown(folder) == str(folder)
    assert not folder.exists()


def test_a_writer_without_the_states_leaves_them_there(config, place):
    from dimscope.pipeline.finish import answer
    from dimscope.profile import Profile

    run_at(place, config())
    before = bytes_at(place)
    with placed(place, wanted=lambda name: not name.startswith("states/")) as folder:
        answer(config({"rule": "middle"}), RunFolder(folder), Profile.load(folder / "profile.nc"))
    after = bytes_at(place)
    assert {name for name in after if after[name] != before[name]} == {"recommendation.json"}
    assert set(after) == set(before)


def test_messages_name_the_place_and_not_the_copy(config, place):
    run_at(place, config())
    url = str(place).replace(":/", "://")
    with pytest.raises(UsageError, match=rf"^{url} was made with model\.pool = 'mean', now 'last'"):
        run_at(place, config(pool="last"))
    with pytest.raises(StoreError, match=rf"^{url}2 is not a run folder"), placed(Path(f"{place}2"), writes=False) as folder:
        open_folder(folder)


def test_leaving_with_findings_still_sends_everything(config, place):
    with pytest.raises(SystemExit), placed(place) as folder:
        run_stages(config(), folder, with_report=False)
        sys.exit(3)
    assert "log.jsonl" in bytes_at(place)


def test_a_path_is_its_own_place(tmp_path):
    with placed(tmp_path) as folder:
        assert folder == tmp_path
    with placed(Path(f"file://{tmp_path}")) as folder:
        assert folder == tmp_path


@pytest.fixture
def bucket(monkeypatch):
    """An object store on this machine, with a bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {"ENDPOINT_URL": f"http://{host}:{port}", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b",
                        "DEFAULT_REGION": "us-east-1"}.items():  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)
    fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
    yield Path("s3://bucket/runs/x")
    server.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_killed_run_on_an_object_store_ends_as_one_that_was_not(config, bucket, tmp_path, bert, texts):
    words = [sys.executable, "-m", "dimscope", "run", str(bert), "--data", str(texts), "--text", "text", "--label", "label",
             "--id", "id", "--k", "20", "--overlap-k", "10", "--replicates", "10", "--no-report", "-q", "-o"]  # fmt: skip
    local = tmp_path / "run"
    assert subprocess.run([*words, str(local)], check=False).returncode == 0
    ends = []
    for wait in np.linspace(2, 6, 5):  # seconds, about the time that a run takes
        running = subprocess.Popen([*words, "s3://bucket/runs/x"], stdout=subprocess.DEVNULL)
        time.sleep(wait)
        os.kill(running.pid, signal.SIGKILL)
        ends.append(running.wait())
        assert false_entries(bytes_at(bucket)) == []
    assert -signal.SIGKILL in ends
    assert subprocess.run([*words, "s3://bucket/runs/x"], check=False).returncode == 0
    content = bytes_at(bucket)
    assert false_entries(content) == []
    expected = {path.relative_to(local).as_posix(): path.read_bytes() for path in local.rglob("*") if path.is_file()}
    assert results(content) == results(expected)
