"""Checkpoints as NumPy arrays, read without executing anything in them."""
from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from fractions import Fraction
from os import PathLike
from typing import Any

import numpy as np

from . import _abi
from ._library import Hooks, Owner, call, encode, lib, take_json


def _plain(value: Any) -> Any:
    """Arguments as Python had them, with Fractions restored."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    if value.get("_type") == "fraction":
        return Fraction(value["numerator"], value["denominator"])
    return {k: _plain(v) for k, v in value.items()}


class Checkpoint(Owner, Mapping[str, np.ndarray]):
    """The tensors of a ``.th`` or ``.safetensors`` file by name.

    A safe stand-in for ``torch.load``: a checkpoint is read by a machine that
    can run nothing. ``dict(checkpoint)`` is the state dict; each access makes
    a fresh array of the file's own type, except that bfloat16, which NumPy
    does not have, becomes float32, exactly. A quantized checkpoint has no
    tensors before it is a model.

    :param path: the file, or its bytes
    :param weights: which set of a training checkpoint ("best", "state",
        "ema_batch_0"); None: the best
    :param strict_checksum: a file name "<signature>-<sha8>.th" whose sha8 is
        not the file's is a HashError, not a warning
    :param max_bytes: largest file read; 0: 4 GiB
    :raises DemucsError: FileError, FormatError, LimitError, UnsupportedError,
        ModelError, HashError
    """

    _close = lib.dmx_checkpoint_close

    def __init__(self, path: str | PathLike[str] | bytes, *,
                 weights: str | None = None, strict_checksum: bool = False,
                 max_bytes: int = 0) -> None:
        super().__init__()
        hooks = Hooks()
        options = _abi.CheckpointOptions(
            hooks=hooks.pointer, weights=encode(weights),
            strict_checksum=strict_checksum, max_file_bytes=max_bytes)
        out = ctypes.byref(self._handle)
        if isinstance(path, bytes):
            self._bytes = path  # borrowed until the checkpoint is closed
            call(lib.dmx_checkpoint_open_memory, out, path, len(path),
                 b"checkpoint in memory", options, hooks=hooks)
        else:
            call(lib.dmx_checkpoint_open, out, encode(path), options,
                 hooks=hooks)
        self._tensors = {}
        for index in range(lib.dmx_checkpoint_tensors(self.handle)):
            info = _abi.TensorInfo()
            lib.dmx_checkpoint_tensor_info(self.handle, index, info)
            self._tensors[info.name.decode()] = (
                index, info.dtype.decode(), tuple(info.dim[:info.rank]))
        self._about: dict | None = None

    # ------------------------------------------------------------- tensors

    def __getitem__(self, name: str) -> np.ndarray:
        index, dtype, shape = self._tensors[name]
        half = dtype == "bfloat16"
        array = np.empty(shape, np.uint16 if half else dtype)
        data = array if array.size else np.empty(1)  # NULL is no address
        call(lib.dmx_checkpoint_tensor_data, self.handle, index,
             data.ctypes.data, array.nbytes)
        if half:
            return (array.astype(np.uint32) << 16).view(np.float32)
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def dtype(self, name: str) -> str:
        """The type in the file: "float16", "bfloat16", "float32", ..."""
        return self._tensors[name][1]

    def shape(self, name: str) -> tuple[int, ...]:
        """Without reading the data."""
        return self._tensors[name][2]

    # --------------------------------------------------------------- facts

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file, 64 hexadecimal digits."""
        return lib.dmx_checkpoint_sha256(self.handle).decode()

    @property
    def info(self) -> dict[str, Any]:
        """Everything known about the file: container, class, arguments,
        tensors, globals seen; as ``demucs-onnx inspect --json``."""
        if self._about is None:
            self._about = take_json(lib.dmx_checkpoint_json(self.handle))
        return self._about

    @property
    def klass(self) -> str | None:
        """"demucs.htdemucs.HTDemucs"; None for a bare state dict."""
        found = self.info["class"]
        return f"{found['module']}.{found['name']}" if found else None

    @property
    def args(self) -> list[Any]:
        """Positional arguments of the constructor."""
        return _plain(self.info["args"] or [])

    @property
    def kwargs(self) -> dict[str, Any]:
        """Keyword arguments of the constructor."""
        return _plain(self.info["kwargs"] or {})

    def package(self) -> dict[str, Any]:
        """{"klass": name, "args", "kwargs", "state": {name: array}}: what
        ``torch.load`` of a Demucs package gives, but for the class itself."""
        return {"klass": self.klass, "args": self.args, "kwargs": self.kwargs,
                "state": dict(self)}

    def __repr__(self) -> str:
        return f"<Checkpoint {self.klass or 'state dict'}, {len(self)} tensors>"


class Model(Owner):
    """A checkpoint whose architecture is known: what can be exported.

    :param checkpoint: it stays open as long as the model
    :param arguments: constructor arguments that win over the file's
    :param config: JSON or YAML file of such arguments
    """

    _close = lib.dmx_model_close

    def __init__(self, checkpoint: Checkpoint, *,
                 arguments: Mapping[str, Any] | None = None,
                 config: str | PathLike[str] | None = None) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        hooks = Hooks()
        options = model_options(arguments, config, hooks)
        call(lib.dmx_model_open, ctypes.byref(self._handle),
             checkpoint.handle, options, hooks=hooks)

    @property
    def sources(self) -> tuple[str, ...]:
        n = lib.dmx_model_sources(self.handle)
        return tuple(lib.dmx_model_source(self.handle, i).decode()
                     for i in range(n))

    @property
    def samplerate(self) -> int:
        """Sample rate in Hz."""
        return lib.dmx_model_samplerate(self.handle)

    @property
    def info(self) -> dict[str, Any]:
        """Architecture, arguments and assumptions."""
        return take_json(lib.dmx_model_json(self.handle))


def model_options(arguments: Mapping[str, Any] | None,
                  config: str | PathLike[str] | None,
                  hooks: Hooks) -> _abi.ModelOptions:
    import json

    from ._library import texts

    settings = None
    if arguments:
        settings = texts(f"{k}={json.dumps(v)}" for k, v in arguments.items())
    return _abi.ModelOptions(hooks=hooks.pointer, config_path=encode(config),
                             set=settings)
