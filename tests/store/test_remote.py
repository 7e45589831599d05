"""Objects of other file systems, and what is said when they refuse."""

from pathlib import Path

import fsspec
import pytest

from dimscope.errors import DimscopeError, StoreError, UsageError
from dimscope.store.remote import Objects, explained, is_remote, local_of, url_of


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("s3://bucket/runs/x", "s3://bucket/runs/x"),
        (Path("s3://bucket/runs/x"), "s3://bucket/runs/x"),
        ("memory://x/", "memory://x"),
        (Path("memory:///x"), "memory://x"),
        ("gs://b", "gs://b"),
    ],
)
def test_urls_are_told_even_where_a_path_has_lost_a_slash(place, url):
    assert is_remote(place)
    assert url_of(place) == url


@pytest.mark.parametrize("place", ["runs/x", "/runs/x", "C:/runs/x", "a=b:c/d", "file:///runs/x", Path("file:///runs/x")])
def test_paths_are_no_urls(place):
    assert not is_remote(place)
    assert local_of(place) == (Path("/runs/x") if "file" in str(place) else Path(place))


@pytest.fixture
def objects(request):
    url = f"memory://{abs(hash(request.node.nodeid))}/run"
    yield Objects(url)
    fsspec.filesystem("memory").store.clear()


def test_objects_come_back_as_they_were_sent(objects, tmp_path):
    assert objects.sizes() == {}
    (tmp_path / "a.bin").write_bytes(b"\0\1\2" * 1000)
    objects.put(tmp_path / "a.bin", "deep/er/a.bin")
    objects.put_bytes(b"{}", "manifest.json")
    assert objects.sizes() == {"deep/er/a.bin": 3000, "manifest.json": 2}
    objects.get("deep/er/a.bin", tmp_path / "new" / "a.bin")
    assert (tmp_path / "new" / "a.bin").read_bytes() == b"\0\1\2" * 1000
    objects.remove(["deep/er/a.bin"])
    objects.remove([])
    assert objects.sizes() == {"manifest.json": 2}


def test_neighbours_with_a_longer_name_are_other_places(objects):
    Objects(objects.url + "2").put_bytes(b"x", "manifest.json")
    assert objects.sizes() == {}


class NoCredentialsError(Exception):
    """As botocore's."""


class EndpointConnectionError(Exception):
    """As botocore's."""


REFUSALS = {
    "package": (ImportError("Install s3fs to access S3"), UsageError,
                r"needs s3fs, which is not installed; install it with `pip install 'dimscope\[remote\]'`\.$"),
    "protocol": (ValueError("Protocol not known: s3"), UsageError, r'has the protocol "s3", which fsspec does not know'),
    "form": (ValueError("no bucket in it"), StoreError, r"is not understood \(no bucket in it\); write for example s3://"),
    "bucket": (FileNotFoundError("The specified bucket does not exist"), StoreError, r"there is no such bucket or object"),
    "credentials": (NoCredentialsError("Unable to locate"), StoreError, "may not be read or written with the credentials"),
    "rights": (PermissionError("Access Denied"), StoreError, r"may not be read or written .*\(Access Denied\); set them"),
    "network": (EndpointConnectionError("no\nroute"), StoreError,
                r"cannot be reached or refused \(EndpointConnectionError: no route\)\. What was finished there is kept"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_one_sentence_with_url_and_remedy(case):
    error, kind, text = REFUSALS[case]
    with pytest.raises(DimscopeError, match=text) as found, explained("s3://bucket/run"):
        raise error
    assert type(found.value) is kind
    assert str(found.value).startswith("s3://bucket/run ")
    assert "\n" not in str(found.value)


def test_own_errors_pass():
    with pytest.raises(UsageError, match=r"^mine$"), explained("s3://bucket/run"):
        raise UsageError("mine")


def test_an_unknown_protocol_is_refused_at_once():
    with pytest.raises(UsageError, match=r's4://b/run has the protocol "s4", which fsspec does not know'):
        Objects("s4://b/run")
