"""The declarations in _abi.py against the header, by a C compiler."""
import ctypes
import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

from demucs_onnx import _abi, _library

HEADER = ROOT / "include/demucs_onnx.h"
COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")


def run_c(tmp_path, body):
    source = tmp_path / "probe.c"
    source.write_text("#include <demucs_onnx.h>\n#include <stdio.h>\n"
                      "int main(void)\n{\n" + body + "    return 0;\n}\n")
    program = tmp_path / "probe"
    subprocess.run([COMPILER, "-w", "-I", str(HEADER.parent), str(source),
                    "-o", str(program)], check=True)
    return subprocess.run([str(program)], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.splitlines()


def test_layouts(tmp_path):
    """Every field lies where the header has it and is as wide; a struct of
    the header may go on behind ours, when it says its size."""
    lines, wanted = [], []
    for name, (struct, _) in _abi.STRUCTS.items():
        for field, *_ in struct._fields_:
            lines.append(f'    printf("{name}.{field} %zu %zu\\n", '
                         f'__builtin_offsetof({name}, {field}), '
                         f'sizeof((({name} *)0)->{field}));\n')
            ours = getattr(struct, field)
            wanted.append(f"{name}.{field} {ours.offset} {ours.size}")
        lines.append(f'    printf("%zu\\n", sizeof({name}));\n')
        wanted.append(ctypes.sizeof(struct))
    got = run_c(tmp_path, "".join(lines))
    assert len(got) == len(wanted)
    for theirs, ours in zip(got, wanted):
        if isinstance(ours, str):
            assert theirs == ours
        else:
            assert int(theirs) >= ours
    for name in ("dmx_error", "dmx_song_output"):  # these never grow
        theirs = run_c(tmp_path, f'printf("%zu\\n", sizeof({name}));\n')
        assert int(theirs[0]) == ctypes.sizeof(_abi.STRUCTS[name][0])


def test_defaults(tmp_path):
    """What _INIT fills in, but for pointers, which are compared as texts."""
    lines, wanted = [], []
    for name, (struct, macro) in _abi.STRUCTS.items():
        if macro is None:
            continue
        lines.append(f"    {{ {name} s = {macro};\n")
        value = struct()
        for field, kind in struct._fields_:
            if field == "size":
                continue
            ours = getattr(value, field)
            if kind is ctypes.c_char_p:
                lines.append(f'    printf("%s\\n", s.{field} ? s.{field} : '
                             '"NULL");\n')
                wanted.append(ours.decode() if ours else "NULL")
            elif issubclass(kind, ctypes._SimpleCData) and \
                    kind is not ctypes.c_void_p:
                lines.append(f'    printf("%.17g\\n", (double)s.{field});\n')
                wanted.append(f"{float(ours):.17g}")
        lines.append("    }\n")
    assert run_c(tmp_path, "".join(lines)) == wanted


def enumerators(name):
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    body = re.search(r"typedef enum %s \{(.*?)\}" % name, text, re.S).group(1)
    return [e.split("=")[0].strip() for e in body.split(",") if e.strip()]


def test_enumerators(tmp_path):
    ours = {"dmx_backend": _abi.BACKENDS, "dmx_precision": _abi.PRECISIONS,
            "dmx_clip": _abi.CLIP_MODES,
            "dmx_status": {s: i for i, s in enumerate(_abi.STATUS)}}
    for name, values in ours.items():
        names = enumerators(name)
        got = run_c(tmp_path, "".join(
            f'    printf("%d\\n", {n});\n' for n in names))
        theirs = {re.sub(r"dmx_(error_)?", "", n.lower()): int(v)
                  for n, v in zip(names, got)}
        for word, value in values.items():
            found = [v for n, v in theirs.items()
                     if n.replace("_", "").endswith(word)]
            assert value in found, (name, word)


C_TYPES = {
    ctypes.c_int: "int", ctypes.c_int64: "int64_t", ctypes.c_size_t: "size_t",
    ctypes.c_double: "double", ctypes.c_char_p: "const char *",
    ctypes.c_void_p: "void *", None: "void",
}


def prototypes():
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    found = re.findall(r"DMX_API\s+(?:DMX_MUST_CHECK\s+)?([\w\s\*]*?)"
                       r"(dmx_\w+)\(([^;]*)\)[^;()]*;", text)
    return {name: (result.strip(),
                   [] if arguments.strip() == "void" else
                   [a.strip() for a in re.sub(r"\s+", " ",
                                              arguments).split(",")])
            for result, name, arguments in found}


def is_pointer(argument):
    return "*" in argument or "[" in argument


def matches(declared, argument):
    """Pointers to pointers, numbers to numbers of the same name."""
    if is_pointer(argument):
        return declared in (ctypes.c_char_p, ctypes.c_void_p) or \
            issubclass(declared, ctypes._Pointer)
    word = re.sub(r"\b\w+$", "", argument).strip() or argument
    scalar = C_TYPES.get(declared)
    return scalar == word or (declared is ctypes.c_int
                              and word.startswith("dmx_"))


def test_prototypes():
    header = prototypes()
    assert len(header) > 80
    for name, (result, arguments) in _abi.FUNCTIONS.items():
        theirs, wanted = header[name]
        assert len(arguments) == len(wanted), name
        for declared, argument in zip(arguments, wanted):
            assert matches(declared, argument), (name, argument)
        if "*" in theirs:
            owned = "const" not in theirs
            assert result is (ctypes.c_void_p if owned else ctypes.c_char_p), \
                name
        else:
            assert C_TYPES[result] == theirs or \
                theirs == "dmx_status" and result is ctypes.c_int, name


def test_other_version(tmp_path):
    """A library of another ABI, or an older one, is refused, naming it."""
    source = tmp_path / "old.c"
    library = tmp_path / "old.so"
    probe = "import demucs_onnx"
    for body, message in (
            ("int nothing;", "it has no dmx_version"),
            ("".join(f"void {n}(void) {{}}\n" for n in _abi.FUNCTIONS
                     if n != "dmx_version")
             + 'const char *dmx_version(void) { return "0.7.0"; }',
             "has version 0.7.0")):
        source.write_text(body)
        subprocess.run([COMPILER, "-w", "-shared", "-fPIC", "-o",
                        str(library), str(source)], check=True)
        done = subprocess.run(
            [os.sys.executable, "-c", probe], text=True, capture_output=True,
            env={**os.environ, "DEMUCS_ONNX_LIBRARY": str(library)})
        assert done.returncode != 0
        assert message in done.stderr
    done = subprocess.run(
        [os.sys.executable, "-c", probe], text=True, capture_output=True,
        env={**os.environ, "DEMUCS_ONNX_LIBRARY": str(tmp_path / "none.so")})
    assert "can't be loaded" in done.stderr


def test_version():
    text = HEADER.read_text()
    parts = [re.search(rf"DMX_VERSION_{p} (\d+)", text).group(1)
             for p in ("MAJOR", "MINOR", "PATCH")]
    assert _library.VERSION == ".".join(parts)
    assert _library.ABI == ".".join(parts[:2])


def test_texts_end_with_null():
    assert _library.texts(None) is None
    assert list(_library.texts(["a", "b"])) == [b"a", b"b", None]
    assert list(_library.texts("ab")) == [b"ab", None]
    with pytest.raises(ValueError):
        _library.encode("a\0b")
