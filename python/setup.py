"""The wheel holds the shared library, so it has a platform but suits any
Python 3. scripts/wheel.sh lays the library into demucs_onnx/lib; from the
sdist it is built here, with CMake, out of core/."""
import os
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution
from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
CORE = next(p for p in (HERE / "core", HERE.parent)
            if (p / "include/demucs_onnx.h").exists())


def version():
    """Written once, in the public header."""
    text = (CORE / "include/demucs_onnx.h").read_text()
    parts = (re.search(rf"define DMX_VERSION_{p} (\d+)", text).group(1)
             for p in ("MAJOR", "MINOR", "PATCH"))
    return ".".join(parts)


class Build(build_py):
    def run(self):
        inside = HERE / "demucs_onnx/lib"
        if not inside.exists():
            self.build_library(Path(self.build_lib) / "demucs_onnx/lib")
        super().run()

    def build_library(self, target):
        folder = Path(self.build_lib).resolve().parent / "core"
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        subprocess.run(
            ["cmake", *generator, "-S", str(CORE), "-B", str(folder),
             "-DDMX_TESTS=OFF",
             "-DDMX_TOOLS=OFF", "-DCMAKE_BUILD_TYPE=Release"], check=True)
        subprocess.run(
            ["cmake", "--build", str(folder), "--parallel",
             str(os.cpu_count()), "--target", "demucs_onnx",
             "demucs_onnx_checker"], check=True)
        target.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("libdemucs*onnx*.so*"):
            # Of libdemucs-onnx.so.0.1.0 and its links the soname is enough.
            if re.search(r"\.so(\.\d+\.\d+)?$", file.name) and \
                    file.name != "libdemucs-onnx.so":
                shutil.copy(file, target / file.name)


class Wheel(bdist_wheel):
    """py3-none-PLATFORM; $DEMUCS_ONNX_PLATFORM is what scripts/wheel_tag.py
    found the library to need."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False
        wanted = os.environ.get("DEMUCS_ONNX_PLATFORM")
        if wanted:
            self.plat_name = wanted
            self.plat_name_supplied = True

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


class Binary(Distribution):
    def has_ext_modules(self):
        return True


setup(version=version(), distclass=Binary,
      cmdclass={"build_py": Build, "bdist_wheel": Wheel})
