"""ONNX models: export, verification, the short-time Fourier transform."""
from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from . import _abi
from ._library import (Hooks, call, encode, lib, take_json, texts)
from .checkpoint import Checkpoint, Model
from .errors import ArgumentError, CheckError
from .hub import Hub, Progress

Say = Callable[[str], object]


def _take_report(handle: _abi.Handle) -> dict[str, Any] | None:
    if not handle:
        return None
    try:
        return take_json(lib.dmx_report_json(handle))
    finally:
        lib.dmx_report_close(handle)


def _with_report(function: Any, *arguments: Any,
                 hooks: Hooks) -> dict[str, Any]:
    """Calls a function with a report, which a failed check has as well."""
    handle = _abi.Handle()
    try:
        call(function, *arguments, ctypes.byref(handle), hooks=hooks)
    except CheckError as error:
        error.report = _take_report(handle)
        raise
    report = _take_report(handle)
    assert report is not None
    return report


def largest_difference(report: Mapping[str, Any],
                       stem: str | None = None) -> float:
    """Largest absolute error over a report's comparisons (of one source)."""
    found = [p["max_abs_difference"] for p in report.get("parity") or []
             if stem in (None, p["source"])]
    if not found:
        raise ArgumentError("the report has no comparison"
                            + (f" of {stem}" if stem else ""))
    return max(found)


def _figures(report: Mapping[str, Any]) -> str:
    """The figure that decided, for people."""
    found = report.get("parity")
    if not found:
        return "not compared"
    if report.get("min_snr_db") is None:
        return f"max {largest_difference(report):.3g}"
    ratios = [p["snr_db"] for p in found if p["snr_db"] is not None]
    return f"SNR {min(ratios):.1f} dB" if ratios else "no difference"


def _dynamic(dynamic: bool | str) -> int:
    both = _abi.DYNAMIC_SAMPLES | _abi.DYNAMIC_BATCH
    known = {False: 0, True: both, "samples": _abi.DYNAMIC_SAMPLES,
             "batch": _abi.DYNAMIC_BATCH, "samples,batch": both}
    if dynamic not in known:
        raise ArgumentError(f"dynamic {dynamic!r} is not True, False, "
                            "'samples' or 'batch'")
    return known[dynamic]


def export_model(model: Model, path: str | PathLike[str], *,
                 samples: int = 0, opset: int = 17, precision: str = "fp32",
                 stems: Iterable[str] | None = None, prune: bool = False,
                 stem: str | None = None, threads: int = 0,
                 dynamic: bool | str = False, batch: int = 0,
                 parity_check: bool = True, parity_tolerance: float = 0.0,
                 min_snr: float = 0.0,
                 onnxruntime: str | PathLike[str] | None = None,
                 progress: Progress | None = None) -> dict[str, Any]:
    """Writes one model as ONNX: checked, or no file. Returns the report.

    Input "mix" (batch, channels, samples), output "stems" (batch, sources,
    channels, samples), float32.

    :param samples: length of the input; 0: the training segment
    :param dynamic: any length and batch: True, or one of them: "samples",
        "batch". Models that were trained without a segment take any length
        unless ``samples`` is given
    :param batch: inputs at once where that is fixed; 0: one
    :param precision: "fp32", "fp16weights": half the file where that is
        exact, or "int8": a third of it, faster, held to ``min_snr``
    :param stems: sources wanted; only with ``prune`` the others are left out
    :param stem: metadata: the source that this member of a bag is for
    :param parity_tolerance: largest difference from the float64 reference,
        relative to each source's peak; 0: 1e-5
    :param min_snr: smallest signal-to-noise ratio of each source in dB, in
        place of the tolerance; 0: 45 with "int8", else none
    :raises CheckError: with the report as ``.report``
    """
    hooks = Hooks(progress)
    if precision not in _abi.PRECISIONS:
        raise ArgumentError(f"precision {precision!r} is not one of "
                            f"{', '.join(_abi.PRECISIONS)}")
    checks = _abi.VerifyOptions(
        tolerance=parity_tolerance, skip_parity=not parity_check,
        threads=threads, onnxruntime=encode(onnxruntime), min_snr=min_snr)
    if batch < 0 or (batch and _dynamic(dynamic) & _abi.DYNAMIC_BATCH):
        raise ArgumentError(f"batch {batch} with dynamic {dynamic!r}: give a "
                            "number of inputs, or any")
    options = _abi.ExportOptions(
        hooks=hooks.pointer, samples=samples, opset=opset,
        precision=_abi.PRECISIONS[precision], stems=texts(stems), prune=prune,
        stem=encode(stem), threads=threads, checks=ctypes.pointer(checks),
        dynamic=_dynamic(dynamic), batch=batch)
    return _with_report(lib.dmx_export, model.handle, encode(path), options,
                        hooks=hooks)


def _targets(bag: Any, sources: tuple[str, ...], stem: str | None,
             stems: Iterable[str] | None) -> list[tuple[str, int, str | None]]:
    """(key, member, the source it is for) of each file to write."""
    if stem is not None and stems is not None:
        raise ArgumentError("give stem or stems, not both")
    wanted = [stem] if stem is not None else list(stems or ())
    members = len(bag.paths)
    if members == 1:
        if wanted:
            raise ArgumentError(
                f"{bag.name} is one model of {', '.join(sources)}: export all "
                "of it and take the row, or use export_model(stems=..., "
                "prune=True)")
        return [(bag.name, 0, None)]
    chosen = bag.specialists()
    if chosen is None:
        if wanted:
            raise ArgumentError(f"{bag.name}: every source comes from several "
                                "of its models; export it whole")
        return [(s, i, None) for i, s in enumerate(bag.signatures)]
    for s in wanted:
        if s not in sources:
            raise ArgumentError(f"unknown stem {s!r}; {bag.name} has "
                                f"{', '.join(sources)}")
    return [(s, chosen[sources.index(s)], s) for s in wanted or sources]


def _safe(name: str) -> str:
    out = ctypes.create_string_buffer(256)
    lib.dmx_safe_file_name(out, encode(name), 250)
    return out.value.decode(errors="surrogateescape")


def _file(output: Path, bag_name: str, key: str, alone: bool,
          bag_of_one: bool) -> Path:
    if alone and output.suffix.lower() == ".onnx":
        output.parent.mkdir(parents=True, exist_ok=True)
        return output
    output.mkdir(parents=True, exist_ok=True)
    name = key if bag_of_one else f"{bag_name}_{key}"
    return output / (_safe(name) + ".onnx")


def export_to_onnx(checkpoint: str | PathLike[str],
                   output: str | PathLike[str], *, stem: str | None = None,
                   stems: Iterable[str] | None = None, opset: int = 17,
                   parity_check: bool = True, parity_tolerance: float = 0.0,
                   sample_rate: int | None = None,
                   segment_seconds: float | None = None, verbose: bool = False,
                   precision: str = "fp32", dynamic: bool | str = False,
                   batch: int = 0, threads: int = 0,
                   arguments: Mapping[str, Any] | None = None,
                   config: str | PathLike[str] | None = None,
                   weights: str | None = None,
                   onnxruntime: str | PathLike[str] | None = None,
                   progress: Progress | None = None, min_snr: float = 0.0,
                   **hub: Any) -> dict[str, Path]:
    """Exports a released model or a checkpoint file to ONNX, verified.

    :param checkpoint: a name ("htdemucs_ft") or a file (.th, .safetensors, bag)
    :param output: of one model a file that ends in .onnx, or a folder; of a
        bag a folder, in which "<bag>_<stem>.onnx" come to lie
    :param stem, stems: of a bag of specialists: only these
    :param precision, parity_tolerance, min_snr: see export_model
    :param sample_rate: to insist on a rate in Hz; the model's own is used
    :param segment_seconds: length of the input; None: the training segment
    :param verbose: print each file and its largest difference, or the
        smallest signal-to-noise ratio where that decides
    :param dynamic, batch: see export_model
    :returns: {stem, or the model's name: file}
    """
    written: dict[str, Path] = {}
    with Hub(progress=progress, **hub) as h:
        bag = h.resolve(checkpoint, stem=stem)
    with bag:
        paths, name = bag.paths, bag.name
        with Checkpoint(paths[0], weights=weights) as first, \
                Model(first, arguments=arguments, config=config) as model:
            sources = model.sources
        targets = _targets(bag, sources, stem, stems)
    for key, member, source in targets:
        with Checkpoint(paths[member], weights=weights) as opened, \
                Model(opened, arguments=arguments, config=config) as model:
            if sample_rate not in (None, model.samplerate):
                raise ArgumentError(f"{name} is of {model.samplerate} Hz, not "
                                    f"{sample_rate}")
            samples = round(segment_seconds * model.samplerate
                            ) if segment_seconds else 0
            file = _file(Path(output), name, key, len(targets) == 1,
                         len(paths) == 1)
            report = export_model(
                model, file, samples=samples, opset=opset, stem=source,
                precision=precision, threads=threads, dynamic=dynamic,
                batch=batch, parity_check=parity_check,
                parity_tolerance=parity_tolerance, min_snr=min_snr,
                onnxruntime=onnxruntime, progress=progress)
        written[key] = file
        if verbose:
            print(f"{file}: {_figures(report)}, sha256 "
                  f"{report['model']['sha256']}")
    return written


def verify_onnx_parity(checkpoint: str | PathLike[str],
                       onnx_path: str | PathLike[str], *,
                       stem: str | None = None, tolerance: float = 0.0,
                       sample_rate: int | None = None,
                       segment_seconds: float | None = None,
                       samples: int = 0, verbose: bool = False,
                       threads: int = 0, arguments: Mapping[str, Any] | None = None,
                       config: str | PathLike[str] | None = None,
                       weights: str | None = None,
                       onnxruntime: str | PathLike[str] | None = None,
                       progress: Progress | None = None,
                       min_snr: float = 0.0, **hub: Any) -> float:
    """Checks an ONNX file, of this or another exporter, against a checkpoint.

    :param stem: of a bag: the source whose specialist the file is
    :param tolerance: relative to each source's peak; 0: 1e-5, but of files in
        8 bits none
    :param min_snr: see export_model
    :param sample_rate, segment_seconds: the file and the checkpoint say them;
        taken and ignored
    :param samples: of a file of any length: compare at this one alone; 0: at
        four
    :returns: the largest absolute difference (of that stem)
    :raises CheckError: an AssertionError, with the findings as ``.report``
    """
    with Hub(progress=progress, **hub) as h:
        bag = h.resolve(checkpoint, stem=stem)
    with bag:
        paths, name, chosen = bag.paths, bag.name, bag.specialists()
    member = 0
    if len(paths) > 1:
        if stem is None or chosen is None:
            raise ArgumentError(f"{name} is a bag of {len(paths)} models; "
                                "say which stem the file is for, or give the "
                                "checkpoint of one member")
        with Checkpoint(paths[0], weights=weights) as c, Model(c) as model:
            if stem not in model.sources:
                raise ArgumentError(f"unknown stem {stem!r}; {name} has "
                                    f"{', '.join(model.sources)}")
            member = chosen[model.sources.index(stem)]
    hooks = Hooks(progress)
    options = _abi.VerifyOptions(
        hooks=hooks.pointer, tolerance=tolerance, threads=threads,
        onnxruntime=encode(onnxruntime), samples=samples,
        min_snr=min_snr)
    with Checkpoint(paths[member], weights=weights) as opened, \
            Model(opened, arguments=arguments, config=config) as model:
        report = _with_report(lib.dmx_verify_model, encode(onnx_path),
                              model.handle, options, hooks=hooks)
    largest = largest_difference(report, stem)
    if verbose:
        print(f"{onnx_path}: max {largest:.3g}")
    return largest


def onnx_info(path: str | PathLike[str], *, nodes: bool = False
              ) -> dict[str, Any]:
    """What an ONNX file declares: inputs, outputs, metadata, operators.

    :param nodes: every node too
    """
    out = ctypes.c_void_p()
    call(lib.dmx_onnx_json, ctypes.byref(out), encode(path), nodes)
    return take_json(out.value)


def stft_to_onnx(path: str | PathLike[str], *, nfft: int = 4096,
                 channels: int = 2, samples: int = 343980,
                 opset: int = 17) -> Path:
    """Demucs' short-time Fourier transform as a separate ONNX model.

    "signal" (1, channels, samples) to "spectrogram" (1, 2 * channels,
    nfft / 2, ceil(samples / hop)), hop = nfft / 4: real and imaginary part of
    each channel in turn, periodic Hann window, 1/sqrt(nfft), reflected edges,
    the Nyquist bin dropped. Plain operators only.
    """
    call(lib.dmx_stft_onnx, encode(path), nfft, channels, samples, opset)
    return Path(path)


def istft_to_onnx(path: str | PathLike[str], *, nfft: int = 4096,
                  channels: int = 2, samples: int = 343980,
                  opset: int = 17) -> Path:
    """Its inverse: "spectrogram" to "signal" (1, channels, samples)."""
    call(lib.dmx_istft_onnx, encode(path), nfft, channels, samples, opset)
    return Path(path)
