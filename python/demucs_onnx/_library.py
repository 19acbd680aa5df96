"""Finding the shared library, and calling it."""
from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import _abi
from .errors import BY_STATUS, DemucsError

log = logging.getLogger("demucs_onnx")

# Before 1.0 every minor version has its own ABI, and its own file name.
ABI = "0.1"


def _names() -> list[str]:
    if sys.platform == "darwin":
        return [f"libdemucs-onnx.{ABI}.dylib", "libdemucs-onnx.dylib"]
    return [f"libdemucs-onnx.so.{ABI}"]


def _candidates() -> Iterable[str]:
    given = os.environ.get("DEMUCS_ONNX_LIBRARY")
    if given:
        yield given
        return
    inside = Path(__file__).parent / "lib"
    for name in _names():
        if (inside / name).exists():
            yield str(inside / name)
    yield from _names()


def _open() -> ctypes.CDLL:
    problems = []
    for name in _candidates():
        try:
            return ctypes.CDLL(name)
        except OSError as problem:
            problems.append(str(problem))
    raise ImportError(
        "the library of demucs-onnx can't be loaded ({}); install the wheel "
        "that holds it, or set DEMUCS_ONNX_LIBRARY to the path of {}".format(
            "; ".join(problems), _names()[0]))


def _load() -> ctypes.CDLL:
    library = _open()
    for name, (result, arguments) in _abi.FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError as problem:
            raise ImportError(
                f"{library._name}: it has no {name}; it is older than this "
                "package") from problem
        function.restype = result
        function.argtypes = arguments
    version = library.dmx_version().decode()
    if version.split(".")[:2] != ABI.split("."):
        raise ImportError(f"{library._name} has version {version}; this "
                          f"package needs {ABI}")
    return library


lib = _load()
VERSION: str = lib.dmx_version().decode()


def encode(text: Any) -> bytes | None:
    """A path or name for the library; None stays NULL."""
    if text is None:
        return None
    data = os.fsencode(text)
    if b"\0" in data:
        raise ValueError("a name can't hold a zero byte")
    return data


def texts(items: Iterable[str] | None) -> Any:
    """A list of strings that ends with NULL; None stays NULL."""
    if items is None:
        return None
    if isinstance(items, str):
        items = [items]
    encoded = [encode(i) for i in items]
    return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)


def take_text(pointer: int | None) -> str:
    """A text that the library allocated, which is freed."""
    if not pointer:
        raise MemoryError("no memory")
    try:
        return ctypes.string_at(pointer).decode("utf-8", "replace")
    finally:
        lib.dmx_free(pointer)


def take_json(pointer: int | None) -> Any:
    return json.loads(take_text(pointer))


def _exception(error: _abi.Error) -> DemucsError:
    known = error.code < len(_abi.STATUS)
    status = _abi.STATUS[error.code] if known else "unknown"
    kind = BY_STATUS.get(status, DemucsError)
    exception = kind(error.message.decode("utf-8", "replace"))
    exception.offset = error.offset
    return exception


class Hooks:
    """What happens during a call: warnings and details go to the log (as
    WARNING and INFO, of the logger "demucs_onnx"), progress to
    ``progress(stage, fraction)``; whatever a callback raises cancels the call
    and is raised by it."""

    def __init__(self, progress: Callable[[str, float], object] | None = None,
                 warn: Callable[[str], object] | None = None) -> None:
        self._progress = progress
        self._warn: Callable[[str], object] = log.warning
        if warn is not None:
            self._warn = warn
        self.failure: BaseException | None = None
        self.struct = _abi.Hooks(warn=_abi.WARN(self._on_warn),
                                 progress=_abi.PROGRESS(self._on_progress),
                                 detail=_abi.WARN(self._on_detail))

    @property
    def pointer(self) -> Any:
        return ctypes.pointer(self.struct)

    def keep(self, failure: BaseException) -> None:
        if self.failure is None:
            self.failure = failure

    def _on_warn(self, user: int, message: bytes) -> None:
        try:
            self._warn(message.decode("utf-8", "replace"))
        except BaseException as failure:  # must not pass through C
            self.keep(failure)

    def _on_detail(self, user: int, message: bytes) -> None:
        try:
            log.info(message.decode("utf-8", "replace"))
        except BaseException as failure:
            self.keep(failure)

    def _on_progress(self, user: int, stage: bytes, fraction: float) -> int:
        try:
            if self.failure is None and self._progress is not None:
                self._progress(stage.decode(), fraction)
        except BaseException as failure:
            self.keep(failure)
        return self.failure is not None


@contextmanager
def _control_c(hooks: Hooks | None) -> Iterator[None]:
    """Ctrl-C cancels the call by its hooks. Raised wherever Python happens to
    be, it could be lost between C and a callback."""
    if hooks is None or \
            threading.current_thread() is not threading.main_thread() or \
            signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    keep = hooks.keep
    signal.signal(signal.SIGINT,
                  lambda number, frame: keep(KeyboardInterrupt()))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def call(function: Any, *arguments: Any, hooks: Hooks | None = None) -> None:
    """Calls a function whose last argument is an error to be filled."""
    error = _abi.Error(0, -1, b"")
    with _control_c(hooks):
        status = function(*arguments, ctypes.byref(error))
    if hooks is not None and hooks.failure is not None:
        raise hooks.failure
    if status != 0:
        raise _exception(error)


class Owner:
    """A handle of the library; closed by ``close``, ``with`` or the end of its
    life."""

    _close: Any = None

    def __init__(self) -> None:
        self._handle = _abi.Handle()

    @property
    def handle(self) -> Any:
        if not self._handle:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._handle

    def close(self) -> None:
        """Frees what it holds; may be called more than once."""
        handle, self._handle = self._handle, _abi.Handle()
        if handle:
            self._close(handle)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self.close()
