"""The program, the test data and a folder for each test."""
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("DMX_TEST_DATA", ROOT / "tests/data"))
MODEL = DATA / "demo/htdemucs_tiny-87685527.th"
SONG = DATA / "demo/song.flac"
STEMS = ("drums", "bass", "other", "vocals")


def program(*arguments, **options):
    """demucs-onnx with these arguments; its standard output."""
    return subprocess.run(
        [os.environ["DEMUCS_ONNX"], *map(str, arguments)], check=True,
        stdout=subprocess.PIPE, **options).stdout


@pytest.fixture(scope="session")
def short_song(tmp_path_factory):
    """Two seconds of the demo, 16-bit stereo WAV."""
    import demucs_onnx
    path = tmp_path_factory.mktemp("song") / "short.wav"
    audio, rate = demucs_onnx.load_audio(SONG)
    demucs_onnx.write_wav(path, audio[:, :2 * rate], rate)
    return path


@pytest.fixture(scope="session")
def separator():
    import demucs_onnx
    with demucs_onnx.Separator(MODEL) as s:
        yield s


def assert_close(got, recorded, relative=1e-5):
    recorded = np.load(recorded) if isinstance(recorded, Path) else recorded
    recorded = recorded.reshape(got.shape)
    most = np.abs(got.astype(np.float64) - recorded).max()
    assert most < relative * np.abs(recorded).max()
