"""Models by name, and scripts written for the field's Python package."""
import inspect
import json

import demucs_onnx as dmx
import numpy as np
import pytest
from conftest import DATA, MODEL, program

REPOSITORY = DATA / "model_repository"


def test_list_models(tmp_path):
    listed = json.loads(program("list-models", "--json", "--cache-dir",
                                tmp_path))["models"]
    found = dmx.list_models(cache_dir=tmp_path)
    assert list(found.values()) == listed
    assert found["htdemucs_6s"]["sources"][-1] == "piano"
    assert "research" in found["htdemucs_ft"]["licence"]


def test_offline(tmp_path):
    with pytest.raises(dmx.DemucsError, match="offline"):
        dmx.download("htdemucs", cache_dir=tmp_path, offline=True)
    with pytest.raises(dmx.ArgumentError, match="htdemucs"):
        dmx.download("htdemucz", cache_dir=tmp_path, offline=True)


def test_prewarm(tmp_path):
    found = dmx.prewarm(["single"], repository=REPOSITORY, cache_dir=tmp_path)
    (path,) = found.values()
    assert path.suffix == ".onnx" and path.exists()
    assert dmx.onnx_info(path)["inputs"][0]["name"] == "mix"
    again = dmx.prewarm("single", repository=REPOSITORY, cache_dir=tmp_path)
    assert again == found
    small = dmx.prewarm("single", precision="int8", repository=REPOSITORY,
                        cache_dir=tmp_path)
    (small,) = small.values()
    assert dmx.onnx_info(small)["metadata"]["precision"] == "int8"
    assert small != path and path.exists()
    with pytest.raises(dmx.ArgumentError, match="int4.*fp16weights"):
        dmx.prewarm("single", precision="int4")


PARAMETERS = {
    dmx.separate: "input output_dir model stems providers precision cache_dir "
                  "token verbose progress output_format bitrate_kbps "
                  "mix_stems mix_output_name",
    dmx.separate_stem: "input stem output_dir",
    dmx.separate_all: "input output_dir",
    dmx.prewarm: "models precision providers token",
    dmx.export_to_onnx: "checkpoint output stem stems opset parity_check "
                        "parity_tolerance sample_rate segment_seconds verbose",
    dmx.verify_onnx_parity: "checkpoint onnx_path stem tolerance sample_rate "
                            "segment_seconds verbose",
    dmx.load_audio: "path target_sr",
    dmx.write_audio: "path audio sample_rate bitrate_kbps",
    dmx.write_wav: "path audio sample_rate",
    dmx.write_mp3: "path audio sample_rate bitrate_kbps",
}


@pytest.mark.parametrize("function", PARAMETERS, ids=lambda f: f.__name__)
def test_parameters(function):
    """Scripts pass these names."""
    known = inspect.signature(function).parameters
    assert set(PARAMETERS[function].split()) <= set(known)


def test_a_script(tmp_path, short_song, monkeypatch, capsys):
    """As scripts have it, but that the model is a file: nothing is fetched."""
    from demucs_onnx import separate, separate_stem
    stems = separate(str(short_song), str(tmp_path / "stems"),
                     model=str(MODEL), providers=["CPUExecutionProvider"],
                     precision="fp16weights", token=None, verbose=True,
                     progress=False, output_format="mp3", bitrate_kbps=192,
                     stems=["drums", "bass", "other"],
                     mix_stems=("drums", "bass"), mix_output_name="rhythm")
    assert sorted(p.name for p in (tmp_path / "stems").iterdir()) == \
        ["bass.mp3", "drums.mp3", "other.mp3", "rhythm.mp3"]
    for name, audio in stems.items():
        assert isinstance(audio, np.ndarray) and audio.shape[0] == 2, name
    assert "wrote" in capsys.readouterr().out
    vocals = separate_stem(str(short_song), "vocals", model=str(MODEL),
                           progress=False)
    assert vocals.shape == (2, 88200)


def test_specialists_by_name(tmp_path):
    """"drums" is a specialist of the bag: its file is asked for, not found."""
    for model in ("drums", "htdemucs_ft_drums"):
        with pytest.raises(dmx.DemucsError, match="htdemucs_ft|f7e0c4bc"):
            dmx.separate("x.wav", model=model, offline=True,
                         cache_dir=tmp_path, progress=False)
        with pytest.raises(dmx.ArgumentError, match="drums only"):
            dmx.separate("x.wav", model=model, stems=["bass"],
                         progress=False)
    with pytest.raises(ValueError):
        dmx.separate_stem("x.wav", "kazoo")


def test_pool(short_song):
    pool = dmx.session_pool()
    pool.clear()
    for _ in range(2):
        dmx.separate(short_song, model=MODEL, stems=["drums"], progress=False)
    assert len(pool) == 1
    for stem in ("bass", "other"):
        dmx.separate(short_song, model=MODEL, stems=[stem], progress=False)
    assert len(pool) == 2
    pool.clear()
    assert len(pool) == 0


def test_providers_as_scripts_ask_for_them(short_song):
    stems = dmx.separate(short_song, model=MODEL, stems=["bass"],
                         providers=dmx.auto_select_providers(),
                         progress=False)
    assert list(stems) == ["bass"]
    dmx.session_pool().clear()


def test_public_names():
    for name in dmx.__all__:
        thing = getattr(dmx, name)
        if callable(thing):
            assert thing.__doc__, name
    assert dmx.describe_runtime()["demucs_onnx"] == dmx.__version__
