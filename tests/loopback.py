"""A host on loopback that misbehaves on request."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STEP = 100_000
"""Bytes after which a host that cuts or stalls stops."""


class Host(BaseHTTPRequestHandler):
    """Serves `files`: path -> content. The first part of the path, if it is one of the ways below, says how."""

    files: dict[str, bytes]
    seen: list[tuple[str, str | None]]

    def log_message(self, *_):
        pass

    def do_GET(self):
        way, _, name = self.path.strip("/").partition("/")
        self.seen.append((way, self.headers.get("Range")))
        content = self.files.get(name)
        plain = {"moved": (302, f"/good/{name}"), "loop": (302, f"/loop/{name}"), "elsewhere": (302, "file:///etc/passwd")}
        if way in plain:
            code, place = plain[way]
            self.send_response(code)
            self.send_header("Location", place)
            return self.end_headers()
        if content is None or (way == "busy" and len(self.seen) < 3):
            return self.send_error(404 if content is None else 503)
        return self.answer(way, content)

    def answer(self, way, content):
        start, tag = 0, f'"{len(self.seen)}"' if way == "renewed" else '"1"'
        if self.headers.get("Range") and self.headers.get("If-Range") == tag and way != "deaf":
            start = int(self.headers["Range"][6:-1])
        if start >= len(content):
            return self.send_error(416)
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", tag)
        if way != "silent":
            extra = {"short": -100, "short-unchecked": -100, "long": 100}.get(way, 0)
            self.send_header("Content-Length", str(len(body) + extra))
        if not way.endswith("unchecked"):
            md5 = hashlib.md5(content if way != "wrong" else b"other").digest()
            self.send_header("Content-MD5", base64.b64encode(md5).decode())
        self.end_headers()
        cuts = way in ("cut", "stall", "deaf") or (way == "renewed" and len(self.seen) < 3)
        self.wfile.write(body[:STEP] if cuts else body)
        if way == "stall":
            self.wfile.flush()
            time.sleep(0.6)
        return None


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Address of a running host, and the requests that it has seen: way and range."""
    handler = type("Serving", (Host,), {"files": files, "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler.seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
