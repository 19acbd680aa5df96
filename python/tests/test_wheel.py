"""The wheel and the sdist: built, unpacked elsewhere, used."""
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import MODEL, ROOT

BUILD = Path(os.environ.get("DMX_BUILD", ROOT / "build"))


def build(folder):
    subprocess.run([str(ROOT / "scripts/wheel.sh"), str(BUILD), str(folder)],
                   check=True, env={**os.environ, "PYTHON": sys.executable,
                                    "SOURCE_DATE_EPOCH": "1700000000"},
                   stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("dist"))


def clean_environment(path):
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(path),
            "HOME": str(path)}


def test_wheel_works_without_the_tree(tmp_path, built):
    zipfile.ZipFile(built[0]).extractall(tmp_path)
    code = ("import demucs_onnx as d; c = d.Checkpoint(%r); "
            "print(d.describe_runtime()['library'], len(c))" % str(MODEL))
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, text=True,
                         env=clean_environment(tmp_path), check=True,
                         stdout=subprocess.PIPE).stdout
    assert out.startswith(str(tmp_path / "demucs_onnx/lib"))
    assert out.split()[1] == "465"


def test_checker_is_inside(built):
    names = zipfile.ZipFile(built[0]).namelist()
    assert "demucs_onnx/py.typed" in names
    assert any(n.endswith("libdemucs-onnx.so.0.1") for n in names)
    assert any(n.endswith("libdemucs_onnx_checker.so") for n in names)
    assert any(n.endswith("LICENSE") for n in names)
    assert not [n for n in names if n.endswith((".th", ".onnx", ".pyc"))]


def test_tag_is_what_the_library_needs(built):
    """Computed anew from the library in the wheel."""
    assert built[0].name.startswith("demucs_onnx-")
    tag = built[0].stem.split("-", 2)[2]
    python, abi, platform = tag.split("-")
    assert (python, abi) == ("py3", "none")
    needed = subprocess.run(
        ["readelf", "-d", str(BUILD / "libdemucs-onnx.so")], text=True,
        check=True, stdout=subprocess.PIPE).stdout
    foreign = any(f"[lib{n}" in needed for n in ("av", "curl", "yaml"))
    assert platform.startswith("linux_" if foreign else "manylinux_2_")


def test_tag_of_a_plain_library(tmp_path):
    """manylinux is given to what needs nothing but glibc."""
    source = tmp_path / "x.c"
    source.write_text("int x(void) { return 1; }\n")
    library = tmp_path / "libx.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o",
                    str(library), str(source)], check=True)
    out = subprocess.run([sys.executable, str(ROOT / "scripts/wheel_tag.py"),
                          str(library)], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    assert out.startswith("manylinux_2_17_")


def test_reproducible(tmp_path, built):
    again = build(tmp_path)
    assert again[0].read_bytes() == built[0].read_bytes()


def test_sdist_has_what_builds_the_library(built):
    with tarfile.open(built[1]) as tar:
        names = {n.split("/", 1)[1] for n in tar.getnames() if "/" in n}
    assert {"setup.py", "core/CMakeLists.txt", "core/LICENSE",
            "core/include/demucs_onnx.h", "demucs_onnx/__init__.py"} <= names
    assert not [n for n in names if n.endswith((".so", ".th", ".onnx"))]
    tree = {str(p.relative_to(ROOT)) for p in (ROOT / "src").rglob("*")
            if p.is_file()}
    assert {f"core/{n}" for n in tree} <= names
