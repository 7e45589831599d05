import base64
import hashlib
import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import numpy as np
import pytest

from dimscope.errors import InputError
from dimscope.paper.download import Remote, download, read_record

CONTENT = np.random.default_rng(0).bytes(300_000)


class Host(BaseHTTPRequestHandler):
    """Serves CONTENT; the path says how it misbehaves."""

    seen: ClassVar[list] = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        way, start = self.path.strip("/"), 0
        Host.seen.append((way, self.headers.get("Range")))
        if way == "moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            return self.end_headers()
        if way == "gone":
            return self.send_error(404)
        if self.headers.get("Range") and self.headers.get("If-Range") == '"1"':
            start = int(self.headers["Range"][6:-1])
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body) - 100 * (way == "short")))
        md5 = hashlib.md5(CONTENT if way != "wrong" else b"other").digest()
        self.send_header("Content-MD5", base64.b64encode(md5).decode())
        self.end_headers()
        self.wfile.write(body[:100_000] if way in ("cut", "stall") else body)
        if way == "stall":
            self.wfile.flush()
            time.sleep(0.6)
        return None


@pytest.fixture
def host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    Host.seen = []
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("way", ["good", "moved", "cut", "stall"])
def test_the_right_file_comes_out(host, tmp_path, way):
    path = download([Remote("file", f"{host}/{way}")], tmp_path, seconds=0.3)[0]
    assert path.read_bytes() == CONTENT
    assert read_record(tmp_path)["file"]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert sorted(place.name for place in tmp_path.iterdir()) == ["downloads.json", "file"]
    if way in ("cut", "stall"):
        assert Host.seen == [(way, None), (way, "bytes=100000-"), (way, "bytes=200000-")]
    asked = len(Host.seen)
    download([Remote("file", f"{host}/{way}")], tmp_path)
    assert len(Host.seen) == asked


@pytest.mark.parametrize(
    ("way", "message"), [("wrong", "wrong file: its MD5"), ("short", "wrong file: its MD5"), ("gone", "was refused: 404")]
)
def test_a_wrong_file_is_never_kept(host, tmp_path, way, message):
    with pytest.raises(InputError, match=message):
        download([Remote("file", f"{host}/{way}")], tmp_path)
    assert not (tmp_path / "file").exists()


def test_without_a_network_one_sentence_says_where_to_put_it(tmp_path):
    with pytest.raises(InputError, match=r"cannot be fetched .* Or put file into .* by hand, or name a mirror with --from"):
        download([Remote("file", "http://127.0.0.1:9/file")], tmp_path, seconds=0.3)


def test_arrays_and_local_places(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.arange(9))
    (tmp_path / "whole.npy").write_bytes(buffer.getvalue())
    (tmp_path / "part.npy").write_bytes(buffer.getvalue()[:-8])
    found = download([Remote("a.npy", str(tmp_path / "whole.npy"))], tmp_path / "to")
    assert np.load(found[0]).tolist() == list(range(9))
    with pytest.raises(InputError, match=r"b\.npy is no whole numpy array"):
        download([Remote("b.npy", str(tmp_path / "part.npy"))], tmp_path / "to")
    assert not (tmp_path / "to" / "b.npy").exists()
