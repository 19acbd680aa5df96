#!/usr/bin/env python3
"""promises.py [BUILD FOLDER [FOLDER...]]

For each checkpoint under the folders (tests/data if none is given), whether
int16 and int8 of the engine and int8 in ONNX keep their promises on its
weights: a Markdown table of what was proved of the worst source, of the layers
that went a precision up for it, and of what was refused; then a line of counts.
The exit status is 1 when something else than a figure or a refusal came out.
Needs ONNX Runtime; some minutes."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
PROMISE = {"int16": 60, "int8": 45, "onnx": 45}
SHORT = {
    "feed_forward": "feed-forward",
    "queries_keys_values": "q,k,v",
    "linear": "linear",
    "attention": "attention",
    "convolution": "conv",
    "transposed_convolution": "transposed",
    "winograd_convolution": "Winograd",
}
# What int8 of the engine starts with (src/api/precision.c).
BYTES = ("feed_forward", "queries_keys_values", "attention")


def options(model):
    """What a checkpoint does not tell of itself."""
    folder = os.path.dirname(model)
    if os.path.exists(folder + "/config.yaml"):
        return ["--config", folder + "/config.yaml"]
    if os.path.basename(folder) == "state_dict_only":
        return ["--set", "segment=39/80"]
    return []


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def reason(result):
    """The error, without the file's name."""
    lines = [s for s in result.stderr.splitlines() if s.startswith("error: ")]
    return re.sub(r"^error: (\S+: )*", "", lines[-1]) if lines else None


def engine_cell(choice):
    """Of one precision of the engine: (cell, kept, refused)."""
    if choice.get("exact"):
        return "exact", False, True
    precision = choice["precision"]
    snr = choice["snr_db"]
    up = []
    for layer, has in choice["layers"].items():
        first = precision if layer in BYTES else "int16"
        if has != first:
            up.append(f"{SHORT.get(layer, layer)} {has}")
    cell = f"{snr:.1f}" + (f" ({', '.join(up)})" if up else "")
    return cell, snr >= PROMISE[precision], False


def engine(program, model, work):
    result = run(program, "bench", model, *options(model), "--json", "--runs",
                 "1", "--contestants", "native:int16,native:int8",
                 "--cache-dir", work + "/cache")
    if result.returncode != 0:
        return [(reason(result) or "?", False, False)] * 2
    contestants = json.loads(result.stdout)["contestants"]
    return [engine_cell(c["precision"]) for c in contestants]


def onnx(program, model, work):
    report = work + "/report.json"
    if os.path.exists(report):
        os.remove(report)
    result = run(program, "export", model, work + "/model.onnx",
                 *options(model), "--precision", "int8", "--report", report)
    said = reason(result)
    if result.returncode != 0 and not os.path.exists(report):
        none = said is not None and "a transformer, and this network" in said
        return "no transformer" if none else said or "?", False, none
    with open(report, encoding="utf-8") as f:
        figures = json.load(f)
    worst = min(p["snr_db"] for p in figures["parity"] if p["snr_db"])
    back = [s for s in result.stderr.splitlines() if "go back" in s]
    if result.returncode != 0:
        return f"refused: {worst:.1f} at best", False, True
    up = "" if not back else (" (attention float32)" if "all projections" in
                              back[-1] else " (results float32)")
    return f"{worst:.1f}{up}", worst >= PROMISE["onnx"], False


def checkpoints(folders):
    for folder in folders:
        for path, _, names in sorted(os.walk(folder, followlinks=True)):
            for name in sorted(names):
                if name.endswith((".th", ".safetensors")) and not re.search(
                        "/(hostile|escapes)(/|$)", path):
                    yield os.path.join(path, name)


def name_of(model):
    name = os.path.basename(os.path.dirname(model))
    base = os.path.splitext(os.path.basename(model))[0]
    return name if base in ("model", name) else f"{name}/{base}"


def main():
    program = (sys.argv[1] if len(sys.argv) > 1 else ROOT + "/build")
    program = os.path.realpath(program) + "/demucs-onnx"
    folders = sys.argv[2:] or [ROOT + "/tests/data"]
    counts = {"kept": 0, "refused": 0, "wrong": 0}
    known = set()
    print("| checkpoint | int16 | int8 | int8 in ONNX |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="dmx-promises-") as work:
        for model in checkpoints(folders):
            with open(model, "rb") as f:
                sum_ = hashlib.sha256(f.read()).digest()
            if sum_ in known:
                continue
            known.add(sum_)
            cells = [*engine(program, model, work), onnx(program, model, work)]
            for _, kept, refused in cells:
                counts["kept" if kept else
                       "refused" if refused else "wrong"] += 1
            print("|", " | ".join([name_of(model)] + [c[0] for c in cells]),
                  "|", flush=True)
    print("\nkept: {kept}, refused: {refused}, wrong: {wrong}".format(**counts))
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
