"""Sound files as arrays, float32 of shape (channels, samples)."""
from __future__ import annotations

import ctypes
from operator import index
from os import PathLike
from pathlib import Path

import numpy as np

from . import _abi
from ._library import Hooks, Owner, call, encode, lib
from .errors import ArgumentError

_FORMATS = ("wav", "flac", "mp3", "ogg", "opus", "m4a")


def planes_of(array: np.ndarray, at: int = 0) -> ctypes.Array:
    """Pointers to the rows from ``at`` on; samples must be contiguous."""
    pointer = ctypes.POINTER(ctypes.c_float)
    rows = [ctypes.cast(row[at:].ctypes.data, pointer) for row in array]
    return (pointer * len(rows))(*rows)


def _c_int(number: int) -> int:
    """In the range of C's int; what is negative stays so."""
    return max(-1, min(index(number), 2**31 - 1))


class Sound(Owner):
    """An open sound file of any format that FFmpeg's libraries read.

    ``rate`` in Hz, ``channels``, ``frames`` (an estimate unless ``exact``; -1:
    unknown), ``bits`` (0 of a lossy source), ``codec``: of the file.

    :param target_sr: read it at this rate in Hz, as ``separate`` gives it to a
        model: soxr's best quality, linear phase, no delay, n samples become
        exactly ceil(n * target_sr / rate); None: the file's own
    :param channels: read it as 1 or 2 channels, other layouts mixed down (ITU-R
        BS.775); None: the file's own, or 2 with ``target_sr``
    :param stream: which audio stream of the file, from 1, such as a track of a
        stem file; None: the first
    """

    _close = lib.dmx_sound_close

    def __init__(self, path: str | PathLike[str],
                 target_sr: int | None = None,
                 channels: int | None = None, *,
                 stream: int | None = None) -> None:
        super().__init__()
        self._hooks = Hooks()
        call(lib.dmx_sound_open_stream, ctypes.byref(self._handle),
             encode(path), _c_int(stream or 0), self._hooks.pointer,
             hooks=self._hooks)
        info = _abi.SoundInfo()
        lib.dmx_sound_about(self.handle, info)
        self.rate: int = info.rate
        self.channels: int = info.channels
        self.bits: int = info.bits
        self.exact = bool(info.exact)
        self.frames: int = info.frames
        self.codec: str = info.codec.decode()
        self._rate, self._channels = self.rate, self.channels
        if target_sr is not None or channels is not None:
            self._convert(self.rate if target_sr is None else target_sr,
                          2 if channels is None else channels)

    def _convert(self, rate: int, channels: int) -> None:
        self._rate, self._channels = _c_int(rate), _c_int(channels)
        call(lib.dmx_sound_convert, self.handle, self._rate, self._channels)

    def read(self, frames: int) -> np.ndarray:
        """The next frames, at most this many; none at the end."""
        block = np.empty((self._channels, max(frames, 0)), np.float32)
        return block[:, :self._read_into(block, 0)]

    def _read_into(self, array: np.ndarray, at: int) -> int:
        got = ctypes.c_size_t()
        call(lib.dmx_sound_read, self.handle, planes_of(array, at),
             array.shape[1] - at, ctypes.byref(got), hooks=self._hooks)
        return got.value

    def read_all(self) -> np.ndarray:
        """All remaining frames, (channels, samples)."""
        guess = 1 << 20
        if self.exact and self.frames >= 0:
            guess = -(-self.frames * self._rate // self.rate)
        array = np.empty((self._channels, guess + 1), np.float32)
        done = 0
        while (got := self._read_into(array, done)) > 0:
            done += got
            if done == array.shape[1]:
                array = np.pad(array, ((0, 0), (0, done)))
        return np.ascontiguousarray(array[:, :done])


def load_audio(path: str | PathLike[str], target_sr: int | None = None, *,
               channels: int | None = None,
               stream: int | None = None) -> tuple[np.ndarray, int]:
    """A whole sound file: (float32 array (channels, samples), the file's own
    rate in Hz).

    As it is in the file; with ``target_sr`` as a model of that rate takes it:
    resampled to it, and stereo. The rate that is returned is the file's in
    either case, for writing at it what came out of the model.

    :param target_sr: rate of the array, 1000 to 1536000 Hz; None: the file's
    :param channels: of the array, 1 or 2; None: the file's, or 2 with
        ``target_sr``
    :param stream: which of the file's audio streams, from 1; None: the first
    """
    with Sound(path, target_sr, channels, stream=stream) as sound:
        return sound.read_all(), sound.rate


def as_planes(audio: np.ndarray) -> np.ndarray:
    """C-contiguous float32 (channels, samples); one row for a vector."""
    array = np.asarray(audio)
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2:
        raise ArgumentError(f"audio of shape {array.shape}, not (channels, "
                            "samples)")
    if array.shape[0] > 64:
        raise ArgumentError(f"{array.shape[0]} channels; audio is (channels, "
                            "samples), not (samples, channels)")
    return np.ascontiguousarray(array, np.float32)


def write_audio(path: str | PathLike[str], audio: np.ndarray,
                sample_rate: int, *, format: str | None = None,
                bits: int = 16, bitrate_kbps: int = 0,
                dither: bool = False) -> None:
    """Writes an array (channels, samples) as a sound file, complete or not at
    all.

    :param format: "wav", "flac", "mp3", "ogg", "opus", "m4a"; None: what the
        name ends in, else WAV
    :param bits: WAV: 16, 24 or 32 (float); FLAC: 16 or 24
    :param bitrate_kbps: of lossy formats; 0: their default
    """
    if format is None:
        ending = Path(path).suffix.lower().lstrip(".")
        format = ending if ending in _FORMATS else "wav"
    planes = as_planes(audio)
    hooks = Hooks()
    lossy = format not in ("wav", "flac")
    options = _abi.SoundOptions(
        hooks=hooks.pointer, format=encode(format), bits=bits,
        bitrate=bitrate_kbps if lossy else 0, rate=sample_rate,
        channels=planes.shape[0], dither=dither)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    call(lib.dmx_sound_write, encode(path), planes_of(planes), planes.shape[1],
         options, hooks=hooks)


def write_wav(path: str | PathLike[str], audio: np.ndarray,
              sample_rate: int) -> None:
    """16-bit WAV of an array (channels, samples)."""
    write_audio(path, audio, sample_rate, format="wav")


def write_mp3(path: str | PathLike[str], audio: np.ndarray, sample_rate: int,
              bitrate_kbps: int = 192) -> None:
    """MP3 of an array (1 or 2 channels, samples)."""
    write_audio(path, audio, sample_rate, format="mp3",
                bitrate_kbps=bitrate_kbps)


def sdr(truth: str | PathLike[str], estimate: str | PathLike[str]) -> float:
    """Signal-to-distortion ratio of two sound files in dB."""
    out = ctypes.c_double()
    call(lib.dmx_sound_sdr, ctypes.byref(out), encode(truth),
         encode(estimate))
    return out.value
