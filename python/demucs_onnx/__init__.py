"""Demucs music separation without PyTorch: songs into stems, checkpoints into
verified ONNX, checkpoints into NumPy arrays.

    from demucs_onnx import separate
    stems = separate("song.mp3")          # {"drums": array, ...}

    from demucs_onnx import export_to_onnx
    export_to_onnx("htdemucs", "htdemucs.onnx")

Arrays are float32 of shape (channels, samples). Every error is a DemucsError.
"""
from ._library import VERSION as __version__
from .audio import (Sound, load_audio, sdr, write_audio, write_mp3, write_wav)
from .checkpoint import Checkpoint, Model
from .errors import (ArgumentError, Cancelled, CheckError, DemucsError,
                     FileError, FormatError, HashError, LimitError, ModelError,
                     NetworkError, OnnxRuntimeError, OutOfMemoryError,
                     UnsupportedError)
from .hub import Hub, download, list_models, prewarm
from .onnx import (export_model, export_to_onnx, istft_to_onnx, onnx_info,
                   stft_to_onnx, verify_onnx_parity)
from .separation import (ErrorEvent, Event, ProgressEvent, Report, Separator,
                         SongEvent, Stems)
from .stream import Stream, StreamStatistics
from .simple import (ALL_KNOWN_STEMS, DEFAULT_BAG_MODEL, SOURCES, SessionPool,
                     auto_select_providers, describe_runtime, separate,
                     separate_all, separate_stem, session_pool)

__all__ = [
    "ALL_KNOWN_STEMS", "ArgumentError", "Cancelled", "CheckError",
    "Checkpoint", "DEFAULT_BAG_MODEL", "DemucsError", "ErrorEvent", "Event",
    "FileError", "FormatError", "HashError", "Hub", "LimitError", "Model",
    "ModelError", "NetworkError", "OnnxRuntimeError", "OutOfMemoryError",
    "ProgressEvent", "Report", "SOURCES", "Separator", "SessionPool",
    "SongEvent", "Sound", "Stems", "Stream", "StreamStatistics",
    "UnsupportedError", "__version__", "auto_select_providers",
    "describe_runtime", "download", "export_model", "export_to_onnx",
    "istft_to_onnx", "list_models", "load_audio", "onnx_info", "prewarm",
    "sdr", "separate", "separate_all", "separate_stem", "session_pool",
    "stft_to_onnx", "verify_onnx_parity", "write_audio", "write_mp3",
    "write_wav",
]
