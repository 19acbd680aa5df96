"""One exception per status of the library."""
from __future__ import annotations


class DemucsError(Exception):
    """Base of all errors; its text is one line: what, where, what to do.

    ``status`` is the library's word for it ("format"), ``offset`` the byte
    offset in the file, or -1.
    """

    status = "unknown"
    offset = -1


class ArgumentError(DemucsError, ValueError):
    """The caller asked for something impossible."""

    status = "argument"


class OutOfMemoryError(DemucsError, MemoryError):
    """An allocation failed."""

    status = "memory"


class FileError(DemucsError, OSError):
    """The system could not read or write a file."""

    status = "io"


class FormatError(DemucsError, ValueError):
    """A file is malformed, truncated or corrupt."""

    status = "format"


class LimitError(DemucsError, ValueError):
    """A file exceeds a safety budget."""

    status = "limit"


class UnsupportedError(DemucsError, ValueError):
    """A valid file that can't be handled."""

    status = "unsupported"


class ModelError(DemucsError, ValueError):
    """Weights and architecture do not fit together."""

    status = "model"


class HashError(DemucsError, ValueError):
    """A checksum differs."""

    status = "hash"


class OnnxRuntimeError(DemucsError, RuntimeError):
    """ONNX Runtime is missing or failed."""

    status = "runtime"


class CheckError(DemucsError, AssertionError):
    """A verification failed; ``report`` holds what was found, or None."""

    status = "check"
    report: dict | None = None


class Cancelled(DemucsError):
    """The call was cancelled; raise it in a callback to cancel one."""

    status = "cancelled"


class NetworkError(DemucsError, OSError):
    """A download failed."""

    status = "network"


BY_STATUS = {
    e.status: e
    for e in (ArgumentError, OutOfMemoryError, FileError, FormatError,
              LimitError, UnsupportedError, ModelError, HashError,
              OnnxRuntimeError, CheckError, Cancelled, NetworkError)
}
