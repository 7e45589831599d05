"""Places on other file systems, such as `s3://bucket/run`: whole objects in and out, through fsspec."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dimscope.errors import DimscopeError, StoreError, UsageError

URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)")
"""A protocol of two letters or more (one is a drive of Windows); `Path` writes `s3:/bucket`, which is read like `s3://bucket`."""
LOCAL = ("file", "local")
PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs", "sftp": "paramiko"}
"""Protocol -> the package that fsspec needs for it; s3fs comes with the extra `remote`."""
CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "PermissionError", "HttpError", "TokenRetrievalError")
"""Names of errors of any of these packages that mean: who are you, or you may not."""


def is_remote(place: str | Path) -> bool:
    """True for a URL of another file system than this machine's."""
    found = URL.fullmatch(str(place))
    return found is not None and found[1] not in LOCAL


def url_of(place: str | Path) -> str:
    """The URL as one writes it, without a slash at the end.

    Examples:
        >>> url_of(Path("s3://bucket/runs/x/"))
        's3://bucket/runs/x'
    """
    found = URL.fullmatch(str(place))
    assert found is not None
    return f"{found[1]}://{found[2].rstrip('/')}"


def local_of(place: str | Path) -> Path:
    """The path of a `file://` URL, or the path itself."""
    found = URL.fullmatch(str(place))
    return Path(place) if found is None else Path("/") / found[2]


class Objects:
    """The objects below a URL, by their names relative to it.

    Raises:
        UsageError: an unknown protocol, or a package that is missing.
        StoreError: whatever the file system refuses, in every method.
    """

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self.url = url
        with explained(url):
            self._system, self._root = url_to_fs(url)
            self._root = self._root.rstrip("/")

    def sizes(self) -> dict[str, int]:
        """Name -> bytes of everything that is there now; empty where nothing is."""
        with explained(self.url):
            self._system.invalidate_cache()
            found: dict[str, Any] = self._system.find(self._root, detail=True)
        return {path[len(self._root) + 1 :]: int(facts["size"]) for path, facts in found.items() if path != self._root}

    def get(self, name: str, path: Path) -> None:
        """Copy an object to a file, whose folder is made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with explained(self.url):
            self._system.get_file(self._place(name), str(path))

    def put(self, path: Path, name: str) -> None:
        """Copy a file to an object."""
        with explained(self.url):
            self._system.put_file(str(path), self._place(name))

    def put_bytes(self, content: bytes, name: str) -> None:
        """Make an object of some bytes, at once."""
        with explained(self.url):
            self._system.pipe_file(self._place(name), content)

    def remove(self, names: Iterable[str]) -> None:
        """Remove these objects."""
        places = [self._place(name) for name in names]
        with explained(self.url):
            if places:
                self._system.rm(places)

    def _place(self, name: str) -> str:
        return f"{self._root}/{name}"


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what fsspec and the packages behind it raise into one sentence with the URL and the remedy."""
    protocol = url.partition(":")[0]
    try:
        yield
    except DimscopeError:
        raise
    except ImportError:
        package = PACKAGES.get(protocol, f"a package for {protocol}")
        how = "pip install 'dimscope[remote]'" if package == "s3fs" else f"pip install {package}"
        raise UsageError(f"{url} needs {package}, which is not installed; install it with `{how}`.") from None
    except ValueError as error:
        if "Protocol not known" not in str(error):
            raise StoreError(f"{url} is not understood ({error}); write for example s3://bucket/run.") from error
        raise UsageError(f'{url} has the protocol "{protocol}", which fsspec does not know; use for example s3://.') from None
    except FileNotFoundError as error:
        raise StoreError(
            f"{url} cannot be used: there is no such bucket or object ({error}); make the bucket first."
        ) from error
    except Exception as error:  # every package raises its own kinds of errors
        raise StoreError(_refusal(url, error)) from error


def _refusal(url: str, error: Exception) -> str:
    name, text = type(error).__name__, " ".join(str(error).split())
    if name in CREDENTIALS:
        return f"{url} may not be read or written with the credentials found here ({text or name}); set them for this bucket."
    return (
        f"{url} cannot be reached or refused ({name}: {text}). What was finished there is kept: run the same command again to "
        "go on from there."
    )
