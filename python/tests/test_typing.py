"""The types that py.typed promises: of the package, and of its guide's scripts
as a user's own mypy sees them. Skipped where there is no mypy."""
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from test_docs import BLOCKS

MYPY = shutil.which("mypy")
pytestmark = pytest.mark.skipif(MYPY is None, reason="no mypy")


def mypy(folder, *arguments):
    return subprocess.run(
        [MYPY, "--cache-dir", str(folder / "cache"), "--no-color-output",
         *map(str, arguments)], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, cwd=folder,
        env={"MYPYPATH": str(ROOT / "python"), "PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize("version", ["3.9", f"3.{sys.version_info[1]}"])
def test_package(tmp_path, version):
    ran = mypy(tmp_path, "--python-version", version,
               ROOT / "python/demucs_onnx")
    assert ran.returncode == 0, ran.stdout


def test_scripts_of_the_guide(tmp_path):
    """Each example, with every function's body looked into."""
    for number, block in enumerate(BLOCKS):
        script = tmp_path / f"example{number}.py"
        script.write_text(block)
        ran = mypy(tmp_path, "--check-untyped-defs", script)
        assert ran.returncode == 0, block + ran.stdout


def test_a_wrong_script_is_seen(tmp_path):
    script = tmp_path / "wrong.py"
    script.write_text("import demucs_onnx as d\n"
                      "d.load_audio('x', target_sr='fast')\n"
                      "x: int = d.separate('x')\n")
    ran = mypy(tmp_path, script)
    assert ran.stdout.count("error:") == 2, ran.stdout
