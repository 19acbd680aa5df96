"""The wheel and the sdist: built, unpacked elsewhere, used."""
import os
import re
import shutil
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
    """manylinux is the tag of libraries that need only glibc."""
    source = tmp_path / "x.c"
    source.write_text("int x(void) { return 1; }\n")
    library = tmp_path / "libx.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o",
                    str(library), str(source)], check=True)
    out = subprocess.run([sys.executable, str(ROOT / "scripts/wheel_tag.py"),
                          str(library)], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    assert out.startswith("manylinux_2_17_")


def tag_of(*libraries):
    ran = subprocess.run([sys.executable, str(ROOT / "scripts/wheel_tag.py"),
                          *map(str, libraries)], text=True, check=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return ran.stdout.strip(), ran.stderr


def test_tag_by_policy(tmp_path):
    """A library that lies beside is no reason against manylinux; one that does
    not, is; nor is an older C++ run time than that of the build, which the
    tag's glibc stands for."""
    (tmp_path / "a.c").write_text("int a(void) { return 1; }\n")
    (tmp_path / "b.c").write_text("int a(void); int b(void) { return a(); }\n")
    (tmp_path / "x.cc").write_text(
        "#include <string>\n#include <charconv>\n"
        "int x(const char *t) { double d = 0; std::string s(t);\n"
        "std::from_chars(s.data(), s.data() + s.size(), d); return (int)d; }\n")
    run = [os.environ.get("CC", "cc"), "-shared", "-fPIC", f"-L{tmp_path}"]
    a, b, x = (tmp_path / f"lib{n}.so" for n in "abx")
    subprocess.run([*run, "-o", a, tmp_path / "a.c"], check=True)
    subprocess.run([*run, "-o", b, tmp_path / "b.c", "-la"], check=True)
    machine = os.uname().machine
    assert tag_of(a, b)[0] == f"manylinux_2_17_{machine}"
    tag, why = tag_of(b)
    assert tag == f"linux_{machine}" and "needs liba.so" in why
    subprocess.run(["c++", "-std=c++17", *run[1:], "-o", x, tmp_path / "x.cc"],
                   check=True)
    # from_chars of double: GLIBCXX_3.4.29, GCC 11, RHEL 9 with glibc 2.34
    assert tag_of(x)[0].split("_")[:3] in (["manylinux", "2", "34"],
                                           ["manylinux", "2", "35"])


def test_reproducible(tmp_path, built):
    again = build(tmp_path)
    assert again[0].read_bytes() == built[0].read_bytes()
    assert again[1].read_bytes() == built[1].read_bytes()


def test_commands_of_the_guide(tmp_path, built):
    """They are run as they are; the wheel is made already."""
    pytest.importorskip("ensurepip")
    block = re.search(r"```sh wheel\n(.*?)```",
                      (ROOT / "docs/python.md").read_text(), re.S).group(1)
    assert block.startswith("make wheel")
    (tmp_path / "dist").mkdir()
    shutil.copy(built[0], tmp_path / "dist")
    clean = {n: v for n, v in os.environ.items()
             if not n.startswith(("PYTHON", "DEMUCS_ONNX_LIBRARY"))}
    clean["PATH"] = f"{Path(sys.executable).parent}:{clean['PATH']}"
    ran = subprocess.run(["bash", "-e"], input=block.split("\n", 1)[1],
                         cwd=tmp_path, text=True, check=True,
                         stdout=subprocess.PIPE,
                         env={**clean, "PIP_NO_INDEX": "1"})
    assert str(tmp_path / "env") in ran.stdout.splitlines()[-1]


def test_sdist_has_what_builds_the_library(built):
    with tarfile.open(built[1]) as tar:
        names = {n.split("/", 1)[1] for n in tar.getnames() if "/" in n}
    assert {"setup.py", "core/CMakeLists.txt", "core/LICENSE",
            "core/include/demucs_onnx.h", "demucs_onnx/__init__.py"} <= names
    assert not [n for n in names if n.endswith((".so", ".th", ".onnx"))]
    tree = {str(p.relative_to(ROOT)) for p in (ROOT / "src").rglob("*")
            if p.is_file()}
    assert {f"core/{n}" for n in tree} <= names
