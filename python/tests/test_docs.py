"""Every Python example of docs/python.md, run in order."""
import os
import re
import shutil

import pytest
from conftest import MODEL, ROOT

TEXT = (ROOT / "docs/python.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, short_song):
    folder = tmp_path_factory.mktemp("docs")
    shutil.copy(short_song, folder / "song.mp3")
    shutil.copy(short_song, folder / "other.wav")
    shutil.copy(MODEL, folder / "model.th")
    (folder / "notes.txt").write_text("no checkpoint")
    before = os.getcwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.mark.parametrize("block", range(len(BLOCKS)))
def test_example(folder, block):
    """A model stands for the released one, which is not fetched here."""
    code = BLOCKS[block].replace('"htdemucs"', '"model.th"')
    exec(compile(code, f"docs/python.md, example {block}", "exec"), {})


def test_results(folder):
    assert len(BLOCKS) == 7
    assert {p.name for p in (folder / "out").iterdir()} == \
        {"vocals.flac", "no_vocals.flac", "song", "other"}
    assert (folder / "model.onnx").exists()
    assert (folder / "stft.onnx").exists()


def test_every_name_is_documented():
    import demucs_onnx
    guide = TEXT + (demucs_onnx.separation.__doc__ or "")
    for name in ("Checkpoint", "Separator", "separate", "separate_stem",
                 "separate_all", "export_to_onnx", "verify_onnx_parity",
                 "list_models", "prewarm", "load_audio", "write_audio",
                 "session_pool", "Stream", "stft_to_onnx", "sdr", "onnx_info"):
        assert name in guide and hasattr(demucs_onnx, name)
