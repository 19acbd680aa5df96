"""Stems while the music plays."""
from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from . import _abi
from ._library import Hooks, Owner, call, lib
from .audio import as_planes, planes_of
from .errors import ArgumentError
from .hub import Progress
from .separation import Separator


@dataclass(frozen=True)
class StreamStatistics:
    """Statistics of a stream so far. Lengths in frames at the model's rate."""

    runs: int
    skipped_runs: int
    late_frames: int
    lost_frames: int
    nonfinite: int
    mean_load: float
    worst_load: float
    latency: int
    algorithmic_latency: int


class Stream(Owner):
    """A live stream: blocks of the mix in, stems of ``latency`` frames ago
    out, computed by a thread of the stream's own.

    The models run over windows of the separator's segment; open it with
    ``unpadded=True`` and a short ``segment`` for short runs, without shifts.
    The separator must stay open as long as its streams.

    :param separator: the models
    :param hop: seconds between two runs; None: the smallest that this machine
        holds, which takes a few runs to find out
    :param lookahead: seconds of its future that an output waits for
    :param fade: seconds of crossfade between runs
    :param covers: 2 to 64: every output is the mean of so many runs, weighted
        by a triangle, and ``fade`` is not used; 0: crossfades
    :param slack: seconds that a run may take before its output is late; None:
        a hop
    :param block: seconds of the largest block, at most 1
    :param dry: where stems are late each is the mix, not silence
    :param live: blocks come in their own time, and a run that is not done in
        time is late; False: ``process`` waits for it
    """

    _close = lib.dmx_stream_close

    def __init__(self, separator: Separator, *, hop: float | None = 0.25,
                 lookahead: float = 0.04, fade: float = 0.01, covers: int = 0,
                 slack: float | None = None, block: float = 0.0,
                 dry: bool = False, live: bool = False,
                 progress: Progress | None = None) -> None:
        super().__init__()
        # In C, zero is the default and a negative number zero.
        options = _abi.StreamOptions(
            hop=hop or 0.0, lookahead=lookahead or -1.0, fade=fade or -1.0,
            covers=covers, block=block, dry=dry,
            slack=0.0 if slack is None else slack or -1.0)
        if hop is None:
            seconds = ctypes.c_double()
            hooks = Hooks(progress)
            call(lib.dmx_stream_suggest, ctypes.byref(options),
                 ctypes.byref(seconds), separator.handle, hooks.pointer,
                 hooks=hooks)
        call(lib.dmx_stream_open, ctypes.byref(self._handle),
             separator.handle, options)
        self._separator = separator  # stays alive as long as the stream
        self.live = live
        #: Seconds between two runs.
        self.hop: float = options.hop
        self.stems = separator.stems
        self.samplerate = separator.samplerate
        self.channels = separator.channels
        self._most = max(1, int(block * self.samplerate) or 1024)

    @property
    def latency(self) -> int:
        """Frames by which the stems lag behind the mix; constant."""
        return lib.dmx_stream_latency(self.handle)

    def process(self, mix: np.ndarray) -> np.ndarray:
        """A block (channels, frames) of the mix to (stems, channels, frames)
        of ``latency`` frames ago, float32. Blocks may be of any length."""
        planes = as_planes(mix)
        channels, frames = planes.shape
        if channels != self.channels:
            raise ArgumentError(f"{channels} channels; the model has "
                                f"{self.channels}")
        stems = np.empty((len(self.stems) * channels, frames), np.float32)
        for start in range(0, frames, self._most):
            end = min(start + self._most, frames)
            self._block(stems[:, start:end], planes[:, start:end])
        return stems.reshape(len(self.stems), channels, frames)

    def _block(self, stems: np.ndarray, mix: np.ndarray) -> None:
        frames = mix.shape[1]
        if self.live:
            call(lib.dmx_stream_status, self.handle)
        else:
            hooks = Hooks()
            call(lib.dmx_stream_wait, self.handle, frames, hooks.pointer,
                 hooks=hooks)
        lib.dmx_stream_process(self.handle, planes_of(stems), planes_of(mix), frames)

    def flush(self) -> np.ndarray:
        """What is still due: the stems of the last ``latency`` frames."""
        return self.process(np.zeros((self.channels, self.latency),
                                     np.float32))

    def blocks(self, mixes: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """``process`` for each block, then what is still due; cut so
        that the stems start with the first block's."""
        skip = self.latency
        for mix in mixes:
            stems = self.process(mix)
            yield stems[:, :, skip:]
            skip = max(0, skip - stems.shape[2])
        yield self.flush()[:, :, skip:]

    def reset(self) -> None:
        """Forgets the past, as after a jump in the song."""
        lib.dmx_stream_reset(self.handle)

    def statistics(self) -> StreamStatistics:
        """Statistics so far; from any thread."""
        found = _abi.StreamStatistics()
        lib.dmx_stream_stats(self.handle, ctypes.byref(found))
        return StreamStatistics(**{
            name: getattr(found, name)
            for name in StreamStatistics.__dataclass_fields__})
