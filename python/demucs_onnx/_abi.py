"""The C library's structs and functions, as include/demucs_onnx.h has them.

Structs that start with ``size`` may be shorter than the header's: the library
takes defaults for the rest. tests/test_abi.py compiles the header and compares
every offset, default and prototype.
"""
from __future__ import annotations

import ctypes as c

Handle = c.c_void_p
Text = c.c_char_p
Texts = c.POINTER(c.c_char_p)
FloatPlanes = c.POINTER(c.POINTER(c.c_float))

WARN = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p)
PROGRESS = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_char_p, c.c_double)

STATUS = (
    "ok", "argument", "memory", "io", "format", "limit", "unsupported",
    "model", "hash", "runtime", "check", "cancelled", "network",
)
BACKENDS = {"auto": 0, "onnxruntime": 1, "native": 2, "reference": 3}
PRECISIONS = {"fp32": 0, "fp16weights": 1, "int8": 2}
ENGINE_PRECISIONS = {"exact": 0, "int16": 1, "int8": 2}
DYNAMIC_SAMPLES, DYNAMIC_BATCH = 1, 2
CLIP_MODES = {"rescale": 0, "clamp": 1, "tanh": 2, "none": 3}
NORMALIZE_TRACK, NORMALIZE_GIVEN, NORMALIZE_NONE = 0, 1, 2
MOST_OUTPUTS = 32


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("offset", c.c_int64),
                ("message", c.c_char * 1024)]


class _Sized(c.Structure):
    """A struct that starts with its own size; its fields are keyword arguments."""

    _defaults: dict = {}

    def __init__(self, **fields: object) -> None:
        super().__init__(size=c.sizeof(self), **{**self._defaults, **fields})


class Hooks(_Sized):
    _fields_ = [("size", c.c_size_t), ("user", c.c_void_p), ("warn", WARN),
                ("progress", PROGRESS), ("detail", WARN)]


class CheckpointOptions(_Sized):
    _fields_ = [("size", c.c_size_t), ("hooks", c.POINTER(Hooks)),
                ("max_file_bytes", c.c_uint64), ("strict_checksum", c.c_int),
                ("weights", Text)]


class TensorInfo(_Sized):
    _fields_ = [("size", c.c_size_t), ("name", Text), ("dtype", Text),
                ("bytes", c.c_size_t), ("rank", c.c_int),
                ("dim", c.c_int64 * 8)]


class ModelOptions(_Sized):
    _fields_ = [("size", c.c_size_t), ("hooks", c.POINTER(Hooks)),
                ("config_path", Text), ("set", Texts)]


class VerifyOptions(_Sized):
    _fields_ = [("size", c.c_size_t), ("hooks", c.POINTER(Hooks)),
                ("tolerance", c.c_double), ("skip_parity", c.c_int),
                ("bisect", c.c_int), ("threads", c.c_int),
                ("onnxruntime", Text), ("providers", Text),
                ("samples", c.c_int64), ("min_snr", c.c_double)]


class ExportOptions(_Sized):
    _fields_ = [("size", c.c_size_t), ("hooks", c.POINTER(Hooks)),
                ("samples", c.c_int64), ("opset", c.c_int),
                ("precision", c.c_int), ("stems", Texts), ("prune", c.c_int),
                ("stem", Text), ("threads", c.c_int),
                ("checks", c.POINTER(VerifyOptions)), ("dynamic", c.c_int),
                ("batch", c.c_int64)]


class HubOptions(_Sized):
    _fields_ = [("size", c.c_size_t), ("hooks", c.POINTER(Hooks)),
                ("cache_dir", Text), ("mirror", Text), ("registry", Text),
                ("repository", Text), ("offline", c.c_int)]


class SeparatorOptions(_Sized):
    _fields_ = [("size", c.c_size_t), ("hooks", c.POINTER(Hooks)),
                ("backend", c.c_int), ("threads", c.c_int),
                ("onnxruntime", Text), ("providers", Text), ("stems", Texts),
                ("without", Texts), ("segment", c.c_double),
                ("overlap", c.c_double), ("transition_power", c.c_double),
                ("shifts", c.c_int), ("seed", c.c_int64),
                ("model", c.POINTER(ModelOptions)), ("weights", Text),
                ("unpadded", c.c_int), ("choices", Text),
                ("precision", c.c_int), ("batch", c.c_int)]
    _defaults = {"overlap": 0.25, "transition_power": 1.0}


READ = c.CFUNCTYPE(c.c_int, c.c_void_p, FloatPlanes, c.c_size_t,
                   c.POINTER(c.c_size_t), c.POINTER(Error))
REWIND = c.CFUNCTYPE(c.c_int, c.c_void_p, c.POINTER(Error))
WRITE = c.CFUNCTYPE(c.c_int, c.c_void_p, FloatPlanes, FloatPlanes, c.c_size_t,
                    c.POINTER(Error))


class SeparatorIo(_Sized):
    _fields_ = [("size", c.c_size_t), ("user", c.c_void_p), ("read", READ),
                ("rewind", REWIND), ("write", WRITE), ("normalize", c.c_int),
                ("mean", c.c_double), ("std", c.c_double),
                ("frames", c.c_int64)]
    _defaults = {"frames": -1}


class SongOutput(c.Structure):
    _fields_ = [("name", Text), ("path", Text),
                ("gain", c.POINTER(c.c_double)), ("mix_gain", c.c_double)]


class SongOptions(_Sized):
    _fields_ = [("size", c.c_size_t), ("hooks", c.POINTER(Hooks)),
                ("output", c.POINTER(SongOutput)), ("outputs", c.c_size_t),
                ("raw", Text), ("format", Text), ("bits", c.c_int),
                ("bitrate", c.c_int), ("rate", c.c_int), ("mono", c.c_int),
                ("dither", c.c_int), ("exact_sum", c.c_int),
                ("clip", c.c_int), ("plot", Text), ("stream", c.c_int)]
    _defaults = {"format": b"wav", "bits": 16}


class SongReport(_Sized):
    _fields_ = [("size", c.c_size_t), ("rate", c.c_int), ("channels", c.c_int),
                ("frames", c.c_int64), ("nonfinite", c.c_int64),
                ("out_rate", c.c_int), ("out_channels", c.c_int),
                ("out_frames", c.c_int64), ("peak", c.c_double * MOST_OUTPUTS),
                ("scale", c.c_double * MOST_OUTPUTS),
                ("clipped", c.c_int64 * MOST_OUTPUTS),
                ("mix_clipped", c.c_int64)]


class StreamOptions(_Sized):
    _fields_ = [("size", c.c_size_t), ("hop", c.c_double),
                ("lookahead", c.c_double), ("fade", c.c_double),
                ("covers", c.c_int), ("slack", c.c_double),
                ("block", c.c_double), ("manual", c.c_int), ("dry", c.c_int)]


class StreamStatistics(_Sized):
    _fields_ = [("size", c.c_size_t), ("runs", c.c_int64),
                ("skipped_runs", c.c_int64), ("late_frames", c.c_int64),
                ("lost_frames", c.c_int64), ("nonfinite", c.c_int64),
                ("mean_load", c.c_double), ("worst_load", c.c_double),
                ("latency", c.c_int64), ("algorithmic_latency", c.c_int64)]


class SoundInfo(_Sized):
    _fields_ = [("size", c.c_size_t), ("rate", c.c_int),
                ("channels", c.c_int), ("bits", c.c_int), ("exact", c.c_int),
                ("frames", c.c_int64), ("codec", Text)]


class SoundOptions(_Sized):
    _fields_ = [("size", c.c_size_t), ("hooks", c.POINTER(Hooks)),
                ("format", Text), ("bits", c.c_int), ("bitrate", c.c_int),
                ("rate", c.c_int), ("channels", c.c_int),
                ("dither", c.c_int)]
    _defaults = {"format": b"wav", "bits": 16}


# The C name of each struct, and of the macro with its defaults.
STRUCTS = {
    "dmx_error": (Error, None),
    "dmx_hooks": (Hooks, "DMX_HOOKS_INIT"),
    "dmx_checkpoint_options": (CheckpointOptions,
                               "DMX_CHECKPOINT_OPTIONS_INIT"),
    "dmx_tensor_info": (TensorInfo, "DMX_TENSOR_INFO_INIT"),
    "dmx_model_options": (ModelOptions, "DMX_MODEL_OPTIONS_INIT"),
    "dmx_verify_options": (VerifyOptions, "DMX_VERIFY_OPTIONS_INIT"),
    "dmx_export_options": (ExportOptions, "DMX_EXPORT_OPTIONS_INIT"),
    "dmx_hub_options": (HubOptions, "DMX_HUB_OPTIONS_INIT"),
    "dmx_separator_options": (SeparatorOptions, "DMX_SEPARATOR_OPTIONS_INIT"),
    "dmx_separator_io": (SeparatorIo, "DMX_SEPARATOR_IO_INIT"),
    "dmx_song_output": (SongOutput, None),
    "dmx_song_options": (SongOptions, "DMX_SONG_OPTIONS_INIT"),
    "dmx_song_report": (SongReport, "DMX_SONG_REPORT_INIT"),
    "dmx_stream_options": (StreamOptions, "DMX_STREAM_OPTIONS_INIT"),
    "dmx_stream_statistics": (StreamStatistics, "DMX_STREAM_STATISTICS_INIT"),
    "dmx_sound_info": (SoundInfo, "DMX_SOUND_INFO_INIT"),
    "dmx_sound_options": (SoundOptions, "DMX_SOUND_OPTIONS_INIT"),
}

_int, _i64, _size, _real = c.c_int, c.c_int64, c.c_size_t, c.c_double
_out, _err = c.POINTER(Handle), c.POINTER(Error)
_owned = c.c_void_p  # malloc'd text: read it, then dmx_free
_floats = c.POINTER(c.c_float)

# Every function used: its result type and its argument types.
FUNCTIONS = {
    "dmx_version": (Text, []),
    "dmx_free": (None, [c.c_void_p]),
    "dmx_file_sha256": (_int, [c.c_char_p, Text, c.POINTER(Hooks), _err]),
    "dmx_safe_file_name": (None, [c.c_char_p, Text, _size]),
    "dmx_checkpoint_open": (_int, [_out, Text, c.POINTER(CheckpointOptions),
                                   _err]),
    "dmx_checkpoint_open_memory": (_int, [_out, c.c_void_p, _size, Text,
                                          c.POINTER(CheckpointOptions), _err]),
    "dmx_checkpoint_close": (None, [Handle]),
    "dmx_checkpoint_sha256": (Text, [Handle]),
    "dmx_checkpoint_json": (_owned, [Handle]),
    "dmx_checkpoint_tensors": (_size, [Handle]),
    "dmx_checkpoint_tensor_info": (_int, [Handle, _size,
                                          c.POINTER(TensorInfo)]),
    "dmx_checkpoint_tensor_data": (_int, [Handle, _size, c.c_void_p, _size,
                                          _err]),
    "dmx_model_open": (_int, [_out, Handle, c.POINTER(ModelOptions), _err]),
    "dmx_model_close": (None, [Handle]),
    "dmx_model_sources": (_size, [Handle]),
    "dmx_model_source": (Text, [Handle, _size]),
    "dmx_model_samplerate": (_i64, [Handle]),
    "dmx_model_json": (_owned, [Handle]),
    "dmx_export": (_int, [Handle, Text, c.POINTER(ExportOptions), _out, _err]),
    "dmx_verify_model": (_int, [Text, Handle, c.POINTER(VerifyOptions), _out,
                                _err]),
    "dmx_report_json": (_owned, [Handle]),
    "dmx_report_close": (None, [Handle]),
    "dmx_onnx_json": (_int, [c.POINTER(c.c_void_p), Text, _int, _err]),
    "dmx_stft_onnx": (_int, [Text, _i64, _i64, _i64, _int, _err]),
    "dmx_istft_onnx": (_int, [Text, _i64, _i64, _i64, _int, _err]),
    "dmx_hub_open": (_int, [_out, c.POINTER(HubOptions), _err]),
    "dmx_hub_close": (None, [Handle]),
    "dmx_hub_list_json": (_owned, [Handle]),
    "dmx_hub_runnable": (_int, [Handle, Text, _err]),
    "dmx_hub_resolve": (_int, [_out, Handle, Text, Text, _err]),
    "dmx_hub_prewarm": (_int, [_out, Handle, Text, c.POINTER(ExportOptions),
                               _err]),
    "dmx_hub_use_exports": (_int, [Handle, Handle, _err]),
    "dmx_bag_close": (None, [Handle]),
    "dmx_bag_name": (Text, [Handle]),
    "dmx_bag_members": (_size, [Handle]),
    "dmx_bag_path": (Text, [Handle, _size]),
    "dmx_bag_config": (Text, [Handle]),
    "dmx_bag_stem": (Text, [Handle, Text]),
    "dmx_bag_signature": (Text, [Handle, _size]),
    "dmx_bag_sources": (_size, [Handle]),
    "dmx_bag_specialist": (_i64, [Handle, _size]),
    "dmx_separator_open": (_int, [_out, Handle, c.POINTER(SeparatorOptions),
                                  _err]),
    "dmx_separator_close": (None, [Handle]),
    "dmx_separator_stems": (_size, [Handle]),
    "dmx_separator_stem": (Text, [Handle, _size]),
    "dmx_separator_sources": (_size, [Handle]),
    "dmx_separator_source": (Text, [Handle, _size]),
    "dmx_separator_channels": (_i64, [Handle]),
    "dmx_separator_samplerate": (_i64, [Handle]),
    "dmx_separator_samples": (_i64, [Handle]),
    "dmx_separator_backend": (Text, [Handle]),
    "dmx_separator_run": (_int, [Handle, c.POINTER(SeparatorIo),
                                 c.POINTER(Hooks), _err]),
    "dmx_stream_open": (_int, [_out, Handle, c.POINTER(StreamOptions), _err]),
    "dmx_stream_close": (None, [Handle]),
    "dmx_stream_latency": (_i64, [Handle]),
    "dmx_stream_process": (None, [Handle, FloatPlanes, FloatPlanes, _size]),
    "dmx_stream_reset": (None, [Handle]),
    "dmx_stream_wait": (_int, [Handle, _size, c.POINTER(Hooks), _err]),
    "dmx_stream_status": (_int, [Handle, _err]),
    "dmx_stream_stats": (None, [Handle, c.POINTER(StreamStatistics)]),
    "dmx_stream_suggest": (_int, [c.POINTER(StreamOptions), c.POINTER(_real),
                                  Handle, c.POINTER(Hooks), _err]),
    "dmx_separator_precision_json": (_owned, [Handle]),
    "dmx_separate_song": (_int, [Handle, Text, c.POINTER(SongOptions),
                                 c.POINTER(SongReport), _err]),
    "dmx_sound_open": (_int, [_out, Text, c.POINTER(Hooks), _err]),
    "dmx_sound_open_stream": (_int, [_out, Text, _int, c.POINTER(Hooks), _err]),
    "dmx_sound_close": (None, [Handle]),
    "dmx_sound_about": (_int, [Handle, c.POINTER(SoundInfo)]),
    "dmx_sound_read": (_int, [Handle, c.POINTER(_floats), _size,
                              c.POINTER(_size), _err]),
    "dmx_sound_convert": (_int, [Handle, c.c_int, c.c_int, _err]),
    "dmx_sound_write": (_int, [Text, c.POINTER(_floats), _i64,
                               c.POINTER(SoundOptions), _err]),
    "dmx_sound_sdr": (_int, [c.POINTER(_real), Text, Text, _err]),
}
