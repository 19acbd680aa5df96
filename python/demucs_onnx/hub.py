"""Released models by name."""
from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from . import _abi
from ._library import Hooks, Owner, call, encode, lib, take_json
from .errors import ArgumentError

Progress = Callable[[str, float], object]


class Bag(Owner):
    """What a name refers to: one checkpoint, or several to be averaged."""

    _close = lib.dmx_bag_close

    @property
    def name(self) -> str:
        return lib.dmx_bag_name(self.handle).decode()

    @property
    def paths(self) -> list[Path]:
        n = lib.dmx_bag_members(self.handle)
        return [Path(lib.dmx_bag_path(self.handle, i).decode(
            errors="surrogateescape")) for i in range(n)]

    @property
    def signatures(self) -> list[str]:
        n = lib.dmx_bag_members(self.handle)
        return [lib.dmx_bag_signature(self.handle, i).decode()
                for i in range(n)]

    def specialists(self) -> list[int] | None:
        """Of each source the only member that adds to it; None when a source
        comes from several."""
        found = [lib.dmx_bag_specialist(self.handle, i)
                 for i in range(lib.dmx_bag_sources(self.handle))]
        return found if found and min(found) >= 0 else None


class Hub(Owner):
    """Where released models come from and where they are kept.

    :param cache_dir: None: $DEMUCS_ONNX_CACHE, or the user's cache folder
    :param mirror: http(s) address in place of every server's
    :param registry: JSON file of further models
    :param repository: folder of "<signature>-<sha8>.th" and "<bag>.yaml"
    :param offline: never use the network
    """

    _close = lib.dmx_hub_close

    def __init__(self, *, cache_dir: str | PathLike[str] | None = None,
                 mirror: str | None = None,
                 registry: str | PathLike[str] | None = None,
                 repository: str | PathLike[str] | None = None,
                 offline: bool = False, progress: Progress | None = None,
                 ) -> None:
        super().__init__()
        self._hooks = Hooks(progress)
        options = _abi.HubOptions(
            hooks=self._hooks.pointer, cache_dir=encode(cache_dir),
            mirror=encode(mirror), registry=encode(registry),
            repository=encode(repository), offline=offline)
        self._call(lib.dmx_hub_open, ctypes.byref(self._handle), options)

    def _call(self, function: Any, *arguments: Any) -> None:
        self._hooks.failure = None
        call(function, *arguments, hooks=self._hooks)

    def resolve(self, name: str | PathLike[str], *, stem: str | None = None,
                exported: bool = False) -> Bag:
        """Finds a released model, a file or a bag; downloads what is missing.

        :param stem: only what adds to this source is needed
        :param exported: take the ONNX files that prewarm made, where they are
        :raises DemucsError: ArgumentError (unknown), NetworkError, HashError
        """
        bag = Bag()
        self._call(lib.dmx_hub_runnable, self.handle, encode(name))
        self._call(lib.dmx_hub_resolve, ctypes.byref(bag._handle), self.handle,
                   encode(name), encode(stem))
        if exported:
            self._call(lib.dmx_hub_use_exports, bag.handle, self.handle)
        return bag

    def prewarm(self, name: str | PathLike[str], *,
                precision: str = "fp32") -> Bag:
        """As resolve, and exports to ONNX, verified, into the cache.

        :param precision: as of export_model; ``resolve(exported=True)`` takes
            the files of "fp32"
        """
        if precision not in _abi.PRECISIONS:
            raise ArgumentError(f"precision {precision!r} is not one of "
                                f"{', '.join(_abi.PRECISIONS)}")
        bag = Bag()
        options = _abi.ExportOptions(
            hooks=self._hooks.pointer, precision=_abi.PRECISIONS[precision])
        self._call(lib.dmx_hub_prewarm, ctypes.byref(bag._handle), self.handle,
                   encode(name), options)
        return bag

    def models(self) -> list[dict[str, Any]]:
        """Every known model: name, kind, sources, bytes, cached, licence."""
        return take_json(lib.dmx_hub_list_json(self.handle))["models"]


def list_models(**hub: Any) -> dict[str, dict[str, Any]]:
    """Every known model by name; keywords as of Hub.

    The values have "kind", "sources" (a list), "bytes", "cached", "runnable",
    "licence", "members" and more; the same as ``list-models --json``.
    """
    with Hub(**hub) as h:
        return {m["name"]: m for m in h.models()}


def download(name: str, **hub: Any) -> list[Path]:
    """Fetches and checks a released model; its files."""
    with Hub(**hub) as h, h.resolve(name) as bag:
        return bag.paths


def prewarm(models: str | Iterable[str] | None = None, *,
            precision: str = "fp32", providers: Any = None,
            token: str | None = None, **hub: Any) -> dict[str, Path]:
    """Downloads models and exports them to ONNX, verified, into the cache.

    :param models: names; None: ["htdemucs_ft"]
    :param precision: "fp32", "fp16weights" or "int8", as of export_model
    :param providers: taken and ignored, as token: there is nothing to compile
        per provider and no account is needed
    :returns: {model, or stem of a bag of specialists: its .onnx file}
    """
    names = [models] if isinstance(models, str) else models
    found: dict[str, Path] = {}
    with Hub(**hub) as h:
        known = {m["name"]: m for m in h.models()}
        for name in names if names is not None else ["htdemucs_ft"]:
            with h.prewarm(name, precision=precision) as bag:
                paths, chosen = bag.paths, bag.specialists()
            if chosen is not None and len(paths) > 1:
                sources = known[name]["sources"] if name in known else [
                    str(i) for i in range(len(chosen))]
                found.update(zip(sources, (paths[i] for i in chosen)))
            elif len(paths) == 1:
                found[name] = paths[0]
            else:
                found.update({p.stem: p for p in paths})
    return found
