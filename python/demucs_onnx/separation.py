"""Songs into stems."""
from __future__ import annotations

import ctypes
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Union

import numpy as np

from . import _abi
from ._library import (Hooks, Owner, call, encode, lib, take_json, texts)
from .audio import as_planes, load_audio
from .checkpoint import model_options
from .errors import ArgumentError, Cancelled, FileError
from .hub import Hub, Progress
from .onnx import _safe

Song = Union[str, "PathLike[str]", np.ndarray]

_PROVIDERS = {"cpuexecutionprovider": "cpu", "cudaexecutionprovider": "cuda",
              "coremlexecutionprovider": "coreml",
              "dmlexecutionprovider": "dml"}


def _provider_list(providers: str | Sequence[str] | None) -> str | None:
    """"cuda,cpu" of whatever scripts write."""
    if providers is None or isinstance(providers, str):
        providers = [providers] if providers else []
    words = [p.strip() for text in providers for p in text.split(",")]
    named = [_PROVIDERS.get(w.lower(), w) for w in words if w]
    return ",".join(dict.fromkeys(named)) or None


_STEM_FILE_TRACKS = 5  # the mix is one


@dataclass(frozen=True)
class Report:
    """What happened to one song. Rates in Hz, lengths in samples."""

    samplerate: int
    channels: int
    frames: int
    nonfinite: int
    out_samplerate: int
    out_channels: int
    out_frames: int
    peak: dict[str, float] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)
    clipped: dict[str, int] = field(default_factory=dict)


class Stems(Mapping[str, np.ndarray]):
    """Stems by name: float32 arrays (channels, samples) at the song's rate.

    ``files`` are the paths of those that were written; such a stem is read
    back from its file when it is asked for, so it has the file's rounding
    (none with ``bits=32``). ``samplerate`` is in Hz, ``report`` the figures.
    Those of a DJ stem file are "mix" and four stems, and have one path.
    """

    def __init__(self, arrays: dict[str, np.ndarray], files: dict[str, Path],
                 report: Report, tracks: bool = False) -> None:
        self._arrays = arrays
        self._tracks = tracks
        self.files = files
        self.report = report
        self.samplerate = report.out_samplerate

    def __getitem__(self, stem: str) -> np.ndarray:
        if stem not in self._arrays:
            track = list(self.files).index(stem) + 1 if self._tracks else 0
            self._arrays[stem] = load_audio(self.files[stem],
                                            stream=track)[0]
        return self._arrays[stem]

    def __iter__(self) -> Iterator[str]:
        return iter(self.files or self._arrays)

    def __len__(self) -> int:
        return len(self.files or self._arrays)

    def __repr__(self) -> str:
        return f"<Stems {', '.join(self)}, {self.samplerate} Hz>"


@dataclass(frozen=True)
class Event:
    """Base of what ``Separator.events`` yields; ``song`` is the value given."""

    song: Any


@dataclass(frozen=True)
class ProgressEvent(Event):
    """``fraction`` in [0, 1] of ``stage``: "measure", "separate", "write"."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class SongEvent(Event):
    """A song is done."""

    stems: Stems


@dataclass(frozen=True)
class ErrorEvent(Event):
    """A song failed; the others continue."""

    error: Exception


class Separator(Owner):
    """A model, ready for any number of songs.

    Threads may share one: they take turns, segment by segment.

    :param model: released name, checkpoint, .onnx file or bag (.yaml, .json)
    :param stems: sources wanted, or ``without`` those not wanted; None: all
    :param engine: "auto", "native", "onnxruntime", "reference"
    :param precision: of the native engine: "exact"; "int16", "int8": quicker
        where the processor has the instructions, 60 and 45 dB from exact on
        these weights, which is proved (docs/precision.md)
    :param threads: 0: all cores of the process
    :param segment: seconds, at most the training segment; 0: that
    :param unpadded: segments shorter than the training segment run at their
        own length: for streams
    :param overlap: of neighbouring segments, 0 to 0.99
    :param shifts: random time offsets to average; 0: one pass without offset
    :param seed: of the offsets
    :param batch: segments that ONNX Runtime computes at once; 0: one, or what
        an .onnx file fixes
    :param providers: ONNX Runtime's, in order of preference; None: cpu
    :param arguments, config: constructor arguments of checkpoints that win
    :param weights: which set of a training checkpoint
    :param hub: keywords of Hub: cache_dir, mirror, registry, repository,
        offline
    """

    _close = lib.dmx_separator_close

    def __init__(self, model: str | PathLike[str] = "htdemucs", *,
                 stems: Iterable[str] | str | None = None,
                 without: Iterable[str] | str | None = None,
                 engine: str = "auto", precision: str = "exact",
                 threads: int = 0, segment: float = 0.0,
                 unpadded: bool = False, overlap: float = 0.25,
                 shifts: int = 0, seed: int = 0,
                 transition_power: float = 1.0, batch: int = 0,
                 providers: str | Sequence[str] | None = None,
                 onnxruntime: str | PathLike[str] | None = None,
                 arguments: Mapping[str, Any] | None = None,
                 config: str | PathLike[str] | None = None,
                 weights: str | None = None,
                 progress: Progress | None = None, **hub: Any) -> None:
        super().__init__()
        self._cancelled = threading.Event()
        if engine not in _abi.BACKENDS:
            raise ArgumentError(f"engine {engine!r} is not one of "
                                f"{', '.join(_abi.BACKENDS)}")
        if precision not in _abi.ENGINE_PRECISIONS:
            raise ArgumentError(f"precision {precision!r} is not one of "
                                f"{', '.join(_abi.ENGINE_PRECISIONS)}")
        wanted = [stems] if isinstance(stems, str) else \
            None if stems is None else list(stems)
        hooks = Hooks(progress)
        given = model_options(arguments, config, hooks)
        options = _abi.SeparatorOptions(
            hooks=hooks.pointer, backend=_abi.BACKENDS[engine],
            threads=threads, onnxruntime=encode(onnxruntime),
            providers=encode(_provider_list(providers)), stems=texts(wanted),
            without=texts(without), segment=segment, overlap=overlap,
            transition_power=transition_power, shifts=shifts, seed=seed,
            model=ctypes.pointer(given), weights=encode(weights),
            batch=batch, unpadded=unpadded,
            precision=_abi.ENGINE_PRECISIONS[precision])
        only = wanted[0] if wanted and len(wanted) == 1 and not shifts \
            else None
        plain = not (segment or arguments or config or weights or batch > 1)
        with Hub(progress=progress, **hub) as h, \
                h.resolve(model, stem=only,
                          exported=engine == "onnxruntime" and plain) as bag:
            self.name = bag.name
            call(lib.dmx_separator_open, ctypes.byref(self._handle),
                 bag.handle, options, hooks=hooks)

    # --------------------------------------------------------------- facts

    @property
    def stems(self) -> tuple[str, ...]:
        """The stems that it returns, in the model's order."""
        return tuple(lib.dmx_separator_stem(self.handle, i).decode()
                     for i in range(lib.dmx_separator_stems(self.handle)))

    @property
    def sources(self) -> tuple[str, ...]:
        """All sources of the model."""
        return tuple(lib.dmx_separator_source(self.handle, i).decode()
                     for i in range(lib.dmx_separator_sources(self.handle)))

    @property
    def samplerate(self) -> int:
        """The model's sample rate in Hz; songs may have any."""
        return lib.dmx_separator_samplerate(self.handle)

    @property
    def channels(self) -> int:
        """The model's channels; songs may have other numbers."""
        return lib.dmx_separator_channels(self.handle)

    @property
    def samples(self) -> int:
        """Length of a segment at the model's rate."""
        return lib.dmx_separator_samples(self.handle)

    @property
    def backend(self) -> str:
        """"native", "onnxruntime", "onnxruntime/cuda", "reference"."""
        return lib.dmx_separator_backend(self.handle).decode()

    @property
    def precision(self) -> list[dict[str, Any]]:
        """How ``precision`` was applied, for each model that runs on the native
        engine: the decibels promised and measured, and what each class of
        layers computes in."""
        return take_json(lib.dmx_separator_precision_json(self.handle))

    # -------------------------------------------------------------- cancel

    def cancel(self) -> None:
        """Stops the current runs, from any thread: they raise Cancelled and
        leave no file. Later runs are not affected."""
        self._cancelled.set()
        self._cancelled = threading.Event()

    def _hooks(self, progress: Progress | None) -> Hooks:
        cancelled = self._cancelled

        def watch(stage: str, fraction: float) -> None:
            if cancelled.is_set():
                raise Cancelled("cancelled")
            if progress is not None:
                progress(stage, fraction)

        return Hooks(watch)

    # --------------------------------------------------------------- songs

    def _outputs(self, mixes: Mapping[str, Iterable[str]] | None,
                 two_stems: str | None) -> dict[str, list[float]]:
        """The gain of every stem in each file."""
        stems = self.stems
        rows: dict[str, set[str]] = {}
        if two_stems is None:
            rows = {s: {s} for s in stems}
        elif stems != self.sources:
            raise ArgumentError("two_stems needs a separator of all stems")
        elif two_stems not in stems:
            raise ArgumentError(f"the model has no stem {two_stems!r}; it has "
                                f"{', '.join(stems)}")
        else:
            rows = {two_stems: {two_stems},
                    f"no_{two_stems}": set(stems) - {two_stems}}
        for name, parts in (mixes or {}).items():
            chosen = set(parts)
            if chosen - set(stems):
                raise ArgumentError(
                    f"mix {name!r}: {', '.join(sorted(chosen - set(stems)))}: "
                    f"not among the stems {', '.join(stems)}")
            if name in rows:
                raise ArgumentError(f"two outputs have the name {name!r}")
            rows[name] = chosen
        if len(rows) > _abi.MOST_OUTPUTS:
            raise ArgumentError(f"{len(rows)} outputs; at most "
                                f"{_abi.MOST_OUTPUTS} are made at once")
        return {n: [float(s in of) for s in stems] for n, of in rows.items()}

    def _tracks(self, mixes: Mapping[str, Iterable[str]] | None,
                two_stems: str | None) -> dict[str, list[float]]:
        """The mix, and the gain of every stem in each track of a stem file. A
        sum is where the first of its stems would be."""
        stems = self.stems
        if two_stems is not None or stems != self.sources:
            raise ArgumentError("a stem file takes all stems, no choice of "
                                "them")
        sums = {name: list(dict.fromkeys(parts))
                for name, parts in (mixes or {}).items()}
        placed: dict[str, str] = {}
        for name, parts in sums.items():
            for stem in parts:
                if stem not in stems:
                    raise ArgumentError(f"mix {name!r}: {stem}: not among the "
                                        f"stems {', '.join(stems)}")
                if stem in placed:
                    raise ArgumentError(f"{stem!r} is summed twice; in a stem "
                                        "file each stem has one place")
                placed[stem] = name
        rows = {"mix": [0.0] * len(stems)}
        for stem in stems:
            name = placed.get(stem, stem)
            if stem in placed and stem != sums[name][0]:
                continue
            if name in rows:
                raise ArgumentError(f"two tracks have the name {name!r}")
            parts = sums.get(name, [stem]) if stem in placed else [stem]
            rows[name] = [float(s in parts) for s in stems]
        if len(rows) != _STEM_FILE_TRACKS:
            raise ArgumentError(
                f"a stem file has four stems, here there are {len(rows) - 1}; "
                "a model of more needs sums, for example mixes={'rest': "
                "['other', 'guitar', 'piano']}")
        return rows

    def separate(self, song: Song,
                 output_dir: str | PathLike[str] | None = None, *,
                 sample_rate: int | None = None,
                 filename: str | None = None, format: str = "wav",
                 bits: int = 16, bitrate_kbps: int = 0,
                 clip: str | None = None, rate: int = 0, mono: bool = False,
                 dither: bool = False, exact_sum: bool = False,
                 two_stems: str | None = None,
                 mixes: Mapping[str, Iterable[str]] | None = None,
                 overwrite: bool = True, raw: str | None = None,
                 stream: int = 0, progress: Progress | None = None) -> Stems:
        """One song into stems; the same samples as ``demucs-onnx separate``.

        :param song: a file of any format, or an array (channels, samples)
        :param output_dir: folder for the files; None: arrays only
        :param sample_rate: of an array, Hz; None: the model's
        :param filename: of each file: {stem}, {ext} and {track}, the song's
            name without its ending; None: "{stem}.{ext}", of a stem file
            "{track}.{ext}"
        :param format: "wav", "flac", "mp3", "ogg", "opus", "m4a"; "stem.mp4":
            one DJ stem file, the mix and four stems, of which a sum in
            ``mixes`` takes the place of its stems
        :param bits: WAV: 16, 24 or 32 (float); FLAC: 16 or 24
        :param clip: "rescale", "clamp", "tanh", "none"; None: rescale, where
            the format is of integers
        :param rate: Hz of the files; 0: the song's own
        :param two_stems: this stem, and all others together as "no_<stem>"
        :param mixes: {name: stems to sum}, in addition to the stems
        :param raw: the song is headerless PCM, "f32le,44100,2"
        :param stream: which audio stream of the song's file, from 1
        :param progress: called with (stage, fraction); what it raises ends
            the run
        :raises DemucsError: and then no file is left
        """
        tracks = format == "stem.mp4"
        if tracks:
            if output_dir is None:
                raise ArgumentError("format 'stem.mp4' needs an output_dir")
            rows = self._tracks(mixes, two_stems)
        else:
            rows = self._outputs(mixes, two_stems)
        if filename is None:
            filename = "{track}.{ext}" if tracks else "{stem}.{ext}"
        hooks = self._hooks(progress)
        common = dict(hooks=hooks.pointer, rate=rate, mono=mono,
                      exact_sum=exact_sum, stream=stream)
        with tempfile.TemporaryDirectory(prefix="demucs-onnx-") as spool:
            track = "array"
            if isinstance(song, (str, PathLike)):
                path = os.fspath(song)
                track = Path(path).stem if path != "-" else "stdin"
            else:
                path, raw = self._spool(song, sample_rate, spool)
            if output_dir is None:
                names = {n: Path(spool, f"{i}.wav")
                         for i, n in enumerate(rows)}
                report = self._run(path, rows, names, hooks, _abi.SongOptions(
                    raw=encode(raw), bits=32, clip=_abi.CLIP_MODES["none"],
                    **common))
                arrays = {n: load_audio(f)[0] for n, f in names.items()}
                return Stems(arrays, {}, report)
            names = self._names(rows, Path(output_dir), filename, format,
                                track, overwrite)
            if clip is None:
                clip = "none" if exact_sum else "rescale"
            if clip not in _abi.CLIP_MODES:
                raise ArgumentError(f"clip {clip!r} is not one of "
                                    f"{', '.join(_abi.CLIP_MODES)}")
            lossy = format not in ("wav", "flac")
            report = self._run(path, rows, names, hooks, _abi.SongOptions(
                raw=encode(raw), format=encode(format), bits=bits,
                bitrate=bitrate_kbps if lossy else 0, dither=dither,
                clip=_abi.CLIP_MODES[clip], **common))
            return Stems({}, names, report, tracks)

    def _spool(self, song: Any, sample_rate: int | None,
               folder: str) -> tuple[str, str]:
        """An array as a file of raw samples, and their format."""
        planes = as_planes(song)
        rate = sample_rate if sample_rate is not None else self.samplerate
        path = os.path.join(folder, "song.raw")
        np.ascontiguousarray(planes.T, "<f4").tofile(path)
        return path, f"f32le,{rate},{planes.shape[0]}"

    @staticmethod
    def _names(rows: Iterable[str], folder: Path, template: str, ext: str,
               track: str, overwrite: bool) -> dict[str, Path]:
        values = {"ext": ext, "track": _safe(track)}
        try:
            names = {n: folder / template.format(stem=_safe(n), **values)
                     for n in rows}
        except (KeyError, IndexError, ValueError) as problem:
            raise ArgumentError(
                f"filename {template!r}: only {{stem}}, {{ext}} and {{track}} "
                "can stand in braces") from problem
        if ext == "stem.mp4":
            if len(set(names.values())) > 1:
                raise ArgumentError(f"filename {template!r}: all stems are in "
                                    "one file; it has no {stem}")
            if not next(iter(names.values())).name.endswith(".stem.mp4"):
                raise ArgumentError(f"filename {template!r}: players know a "
                                    "stem file by its end, .{ext}")
        elif len(set(names.values())) < len(names):
            raise ArgumentError(f"filename {template!r}: two stems would have "
                                "one name; it needs {stem}")
        for path in names.values():
            if not overwrite and os.path.lexists(path):
                raise FileError(f"{path}: exists")
            path.parent.mkdir(parents=True, exist_ok=True)
        return names

    def _run(self, path: str, rows: dict[str, list[float]],
             names: dict[str, Path], hooks: Hooks,
             options: _abi.SongOptions) -> Report:
        n = len(self.stems)
        outputs = (_abi.SongOutput * len(rows))(*(
            _abi.SongOutput(encode(name), encode(names[name]),
                            (ctypes.c_double * n)(*gain),
                            0.0 if any(gain) else 1.0)  # the mix itself
            for name, gain in rows.items()))
        options.output = outputs
        options.outputs = len(rows)
        found = _abi.SongReport()
        call(lib.dmx_separate_song, self.handle, encode(path), options,
             ctypes.byref(found), hooks=hooks)
        order = list(enumerate(rows))
        return Report(found.rate, found.channels, found.frames,
                      found.nonfinite, found.out_rate, found.out_channels,
                      found.out_frames, {k: found.peak[i] for i, k in order},
                      {k: found.scale[i] for i, k in order},
                      {k: found.clipped[i] for i, k in order})

    # -------------------------------------------------------- arrays alone

    def apply(self, mix: np.ndarray, *, normalize: bool = True,
              progress: Progress | None = None) -> np.ndarray:
        """Demucs' apply_model: (channels, samples) at the model's rate and
        channels to (stems, channels, samples), float32, without any file.

        :param normalize: by mean and standard deviation of the mono mix, as
            songs are; False: the mix is normalised already
        """
        planes = as_planes(mix)
        if planes.shape[0] != self.channels:
            raise ArgumentError(f"{planes.shape[0]} channels; the model has "
                                f"{self.channels}")
        if not np.isfinite(planes).all():
            raise ArgumentError("samples must be finite")
        channels, length = planes.shape
        stems = np.empty((len(self.stems) * channels, length), np.float32)
        at = {"read": 0, "write": 0}
        hooks = self._hooks(progress)

        def guarded(step: Any) -> int:
            try:
                step()
                return 0
            except BaseException as failure:
                hooks.keep(failure)
                return _abi.STATUS.index("cancelled")

        def read(user: Any, out: Any, capacity: int, got: Any,
                 error: Any) -> int:
            def step() -> None:
                n = min(capacity, length - at["read"])
                for c in range(channels):
                    if n:
                        ctypes.memmove(out[c], planes[c, at["read"]:].ctypes
                                       .data, 4 * n)
                at["read"] += n
                got[0] = n
            return guarded(step)

        def rewind(user: Any, error: Any) -> int:
            at["read"] = 0
            return 0

        def write(user: Any, blocks: Any, same: Any, frames: int,
                  error: Any) -> int:
            def step() -> None:
                for k in range(stems.shape[0]):
                    ctypes.memmove(stems[k, at["write"]:].ctypes.data,
                                   blocks[k], 4 * frames)
                at["write"] += frames
            return guarded(step)

        io = _abi.SeparatorIo(
            read=_abi.READ(read), rewind=_abi.REWIND(rewind),
            write=_abi.WRITE(write), frames=length,
            normalize=_abi.NORMALIZE_TRACK if normalize
            else _abi.NORMALIZE_NONE)
        call(lib.dmx_separator_run, self.handle, io, hooks.pointer,
             hooks=hooks)
        return stems.reshape(len(self.stems), channels, length)

    # ------------------------------------------------------------ many songs

    def events(self, songs: Iterable[Song],
               output_dir: str | PathLike[str] | None = None,
               **options: Any) -> Iterator[Event]:
        """Separates songs in a thread of its own and yields what happens:
        ProgressEvent, SongEvent, ErrorEvent. To stop early, close the
        generator (leaving a ``for`` loop over it does): the run under way is
        cancelled.

        :param output_dir: as in ``separate``; with it, ``filename`` defaults
            to "{track}/{stem}.{ext}", of stem files to "{track}.{ext}"
        :param options: the other keywords of ``separate``
        """
        import queue

        if options.get("format") != "stem.mp4":
            options.setdefault("filename", "{track}/{stem}.{ext}")
        box: queue.Queue[Event | None] = queue.Queue(maxsize=64)
        stop = threading.Event()

        def put(event: Event | None) -> None:
            while not stop.is_set():
                try:
                    return box.put(event, timeout=0.1)
                except queue.Full:
                    continue

        def one(song: Song) -> Event:
            def progress(stage: str, fraction: float) -> None:
                if stop.is_set():
                    raise Cancelled("the generator was closed")
                put(ProgressEvent(song, stage, fraction))

            try:
                return SongEvent(song, self.separate(
                    song, output_dir, progress=progress, **options))
            except Exception as error:
                return ErrorEvent(song, error)

        def work() -> None:
            try:
                for song in songs:
                    if stop.is_set():
                        break
                    put(one(song))
            except Exception as error:  # of the iterable
                put(ErrorEvent(None, error))
            put(None)

        worker = threading.Thread(target=work, name="demucs-onnx", daemon=True)
        worker.start()
        try:
            while (event := box.get()) is not None:
                yield event
        finally:
            stop.set()
            worker.join()
