"""One call per song, as scripts for the field's Python package have it."""
from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ._library import VERSION, lib
from .errors import ArgumentError
from .separation import Separator, Song, Stems

SOURCES = ("drums", "bass", "other", "vocals")
ALL_KNOWN_STEMS = SOURCES + ("guitar", "piano")
DEFAULT_BAG_MODEL = "htdemucs_ft"


class SessionPool:
    """Open separators, so that the next song need not load the model again.

    Holds the few that were used last; ``clear`` frees their memory.
    """

    def __init__(self, most: int = 2) -> None:
        self._most = most
        self._open: dict[tuple, Separator] = {}
        self._lock = threading.Lock()

    def get(self, model: str | PathLike[str], **options: Any) -> Separator:
        """The separator for these options; opened if there is none."""
        key = (os.fspath(model), os.getpid(), *(
            (k, repr(v)) for k, v in sorted(options.items())
            if k != "progress"))
        with self._lock:
            found = self._open.pop(key, None)
            if found is None:
                found = Separator(model, **options)
            self._open[key] = found
            while len(self._open) > self._most:
                # Closed when the last run that uses it has ended.
                del self._open[next(iter(self._open))]
            return found

    def clear(self) -> None:
        with self._lock:
            self._open.clear()

    def __len__(self) -> int:
        return len(self._open)


_pool = SessionPool()


def session_pool() -> SessionPool:
    """The separator that ``separate`` uses."""
    return _pool


class _Bar:
    """Progress on a terminal, one line that is cleared at the end."""

    def __init__(self, song: str) -> None:
        self._song = song
        self._shown = ""

    def __call__(self, stage: str, fraction: float) -> None:
        text = f"{stage} {100 * fraction:3.0f} % {self._song:.40}"
        if text != self._shown:
            sys.stderr.write("\r" + text.ljust(len(self._shown)))
            sys.stderr.flush()
            self._shown = text

    def wipe(self) -> None:
        sys.stderr.write("\r" + " " * len(self._shown) + "\r")
        sys.stderr.flush()


def _split_model(model: str | PathLike[str],
                 stems: list[str] | None) -> tuple[Any, list[str] | None]:
    """"htdemucs_ft_drums" and "drums" are the bag's specialists."""
    name = model if isinstance(model, str) else ""
    stem = name[len("htdemucs_ft_"):] if name.startswith("htdemucs_ft_") \
        else name
    if stem not in SOURCES or os.path.exists(name):
        return model, stems
    if stems not in (None, [stem]):
        raise ArgumentError(f"model {model!r} gives {stem} only; "
                            "'htdemucs_ft' has all stems")
    return DEFAULT_BAG_MODEL, [stem]


def separate(input: Song, output_dir: str | PathLike[str] | None = None, *,
             model: str | PathLike[str] = DEFAULT_BAG_MODEL,
             stems: Iterable[str] | str | None = None,
             providers: str | Sequence[str] | None = "auto",
             precision: str = "fp32",
             cache_dir: str | PathLike[str] | None = None,
             token: str | None = None, verbose: bool = False,
             progress: Any = True, output_format: str = "wav",
             bitrate_kbps: int = 192,
             mix_stems: Sequence[str] | None = None,
             mix_output_name: str = "mix", engine: str = "auto",
             threads: int = 0, segment: float = 0.0, overlap: float = 0.25,
             shifts: int = 0, seed: int = 0,
             onnxruntime: str | PathLike[str] | None = None,
             mirror: str | None = None,
             registry: str | PathLike[str] | None = None,
             repository: str | PathLike[str] | None = None,
             offline: bool = False, **options: Any) -> Stems:
    """Separates a song: a file, or an array (channels, samples).

    :param output_dir: folder for "<stem>.wav"; None: arrays only
    :param model: released name, checkpoint, .onnx file or bag
    :param stems: only these
    :param precision: "int16" and "int8": quicker, proved on these weights
        (see Separator); "fp32" and "fp16weights" are both exact: checkpoints
        are read as they are
    :param token: taken and ignored: no account is needed
    :param progress: True: a bar on a terminal; or a function of (stage,
        fraction in [0, 1])
    :param output_format: "wav", "flac", "mp3", "ogg", "opus", "m4a"; or
        "stem.mp4", one DJ stem file (``format`` may be said as well)
    :param mix_stems: sum these into one more output, ``mix_output_name``; in a
        stem file it takes their place
    :param options: the other keywords of ``Separator.separate``:
        sample_rate (of an array), bits, clip, rate, mono, exact_sum, two_stems
    :returns: {stem: float32 array (channels, samples)} at the song's rate
    """
    if precision in ("fp32", "fp16weights"):
        precision = "exact"
    wanted = [stems] if isinstance(stems, str) else \
        None if stems is None else list(stems)
    name, wanted = _split_model(model, wanted)
    song = os.path.basename(os.fspath(input)) \
        if isinstance(input, (str, PathLike)) else ""
    bar = _Bar(song) if progress is True and sys.stderr.isatty() else None
    watch = bar if bar is not None else progress if callable(progress) \
        else None
    try:
        separator = _pool.get(
            name, stems=wanted, providers=providers, engine=engine,
            precision=precision,
            threads=threads, segment=segment, overlap=overlap, shifts=shifts,
            seed=seed, onnxruntime=onnxruntime, cache_dir=cache_dir,
            mirror=mirror, registry=registry, repository=repository,
            offline=offline, progress=watch)
        if mix_stems:
            options["mixes"] = {**options.get("mixes", {}),
                                mix_output_name: list(mix_stems)}
        result = separator.separate(
            input, output_dir, format=options.pop("format", output_format),
            bitrate_kbps=bitrate_kbps, progress=watch, **options)
    finally:
        if bar is not None:
            bar.wipe()
    if verbose:
        report = result.report
        print(f"{song or 'array'}: {report.frames / report.samplerate:.1f} s, "
              f"{', '.join(result)} ({separator.backend})")
        for path in result.files.values():
            print(f"  wrote {path}")
    return result


def separate_all(input: Song,
                 output_dir: str | PathLike[str] | None = None,
                 **options: Any) -> Stems:
    """``separate`` with the bag "htdemucs_ft"."""
    return separate(input, output_dir, model=DEFAULT_BAG_MODEL, **options)


def separate_stem(input: Song, stem: str,
                  output_dir: str | PathLike[str] | None = None,
                  **options: Any) -> np.ndarray:
    """One stem alone: of "htdemucs_ft" by its specialist (one model is
    downloaded, one computed), guitar and piano of "htdemucs_6s"."""
    if "model" not in options:
        if stem not in ALL_KNOWN_STEMS:
            raise ArgumentError(f"stem must be one of "
                                f"{', '.join(ALL_KNOWN_STEMS)}, not {stem!r}")
        options["model"] = DEFAULT_BAG_MODEL if stem in SOURCES \
            else "htdemucs_6s"
    return separate(input, output_dir, stems=[stem], **options)[stem]


def auto_select_providers() -> list[str]:
    """["auto"]: the library chooses when it opens a model, out of what its ONNX
    Runtime has (docs/providers.md)."""
    return ["auto"]


def describe_runtime() -> dict[str, str]:
    """What runs here, for a bug report."""
    return {"system": platform.system(), "machine": platform.machine(),
            "python": platform.python_version(), "demucs_onnx": VERSION,
            "library": str(lib._name), "numpy": np.__version__}
