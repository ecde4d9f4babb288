"""What is known of a file beforehand: how much it holds, and the SHA-256 of that.

The size is looked at first, and is the limit of whatever is read, so that nobody who offers
another file can fill the memory or the disk.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass

from xpnet.errors import DatasetError

__all__ = ["Fingerprint"]

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Fingerprint:
    """The size and the SHA-256 of a file's uncompressed content.

    A file may be stored raw or compressed by any gzip.

    Attributes
    ----------
    size : int
        In bytes.
    sha256 : str
        In hexadecimal.

    Examples
    --------
    >>> known = Fingerprint(5, hashlib.sha256(b"seven").hexdigest())
    >>> known.unpack(gzip.compress(b"seven"))
    b'seven'
    """

    size: int
    sha256: str

    @property
    def most_stored(self) -> int:
        """How many bytes a file that holds the content has at most."""
        # What cannot be compressed gets longer: by 5 bytes in each block of at least 16 KB, and
        # by a header with the file's name.
        return self.size + self.size // 1000 + 1024

    def unpack(self, stored: bytes) -> bytes:
        """Return the content of a stored file, having verified it.

        Raises
        ------
        DatasetError
            If it is another content, or no whole gzip file.
        """
        # Judged by content, because some servers and browsers unpack a file but keep its name.
        content = self._unzip(stored) if stored.startswith(_GZIP_MAGIC) else stored
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 != self.sha256:
            found = f"{len(content)} bytes with {sha256}"
            if len(content) > self.size:  # how many, nobody has counted
                found = "more bytes"
            msg = (
                f"expected uncompressed content of {self.size} bytes with SHA-256 {self.sha256}, "
                f"found {found}"
            )
            raise DatasetError(msg)
        return content

    def _unzip(self, stored: bytes) -> bytes:
        """Unpack one byte more than there should be, at most."""
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(stored)) as file:
                return file.read(self.size + 1)
        except (OSError, EOFError, zlib.error) as error:
            msg = f"expected a whole gzip file, found {len(stored)} bytes ({error})"
            raise DatasetError(msg) from error
