"""Exports against the program's, byte for byte; verification; STFT."""
import demucs_onnx as dmx
import pytest
from conftest import DATA, MODEL, program

from demucs_onnx.export import export_to_onnx


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    assert export_to_onnx(MODEL, path) == {MODEL.stem: path}
    return path


def test_export_is_the_program_s(tmp_path, exported):
    program("export", MODEL, tmp_path / "model.onnx")
    assert exported.read_bytes() == (tmp_path / "model.onnx").read_bytes()


def test_other_exports(tmp_path):
    program("export", MODEL, tmp_path / "a.onnx", "--no-parity-check",
            "--precision", "fp16weights", "--segment", "1")
    export_to_onnx(MODEL, tmp_path / "b.onnx", parity_check=False,
                   precision="fp16weights", segment_seconds=1.0)
    assert (tmp_path / "a.onnx").read_bytes() == \
        (tmp_path / "b.onnx").read_bytes()


def test_8_bits(tmp_path, capsys):
    program("export", MODEL, tmp_path / "a.onnx", "--precision", "int8")
    export_to_onnx(MODEL, tmp_path / "b.onnx", precision="int8", verbose=True)
    assert " dB, sha256" in capsys.readouterr().out
    assert (tmp_path / "a.onnx").read_bytes() == \
        (tmp_path / "b.onnx").read_bytes()
    assert 0 < dmx.verify_onnx_parity(MODEL, tmp_path / "b.onnx") < 1e-2
    with pytest.raises(dmx.CheckError, match="90 dB") as caught:
        dmx.verify_onnx_parity(MODEL, tmp_path / "b.onnx", min_snr=90)
    assert caught.value.report["min_snr_db"] == 90
    with pytest.raises(dmx.CheckError, match="90 dB"):
        export_to_onnx(MODEL, tmp_path / "c.onnx", precision="int8",
                       min_snr=90)
    assert not (tmp_path / "c.onnx").exists()


def test_bag_of_specialists(tmp_path, capsys):
    found = export_to_onnx("specialists", tmp_path, verbose=True,
                           repository=DATA / "model_repository")
    assert len(found) > 1
    assert found == {s: tmp_path / f"specialists_{s}.onnx" for s in found}
    assert capsys.readouterr().out.count("sha256") == len(found)
    stem = next(iter(found))
    program("export", "specialists", tmp_path / "one.onnx", "--stem", stem,
            "--repo", DATA / "model_repository")
    assert found[stem].read_bytes() == (tmp_path / "one.onnx").read_bytes()
    for s, path in found.items():
        assert dmx.verify_onnx_parity(
            "specialists", path, stem=s,
            repository=DATA / "model_repository") < 1e-3
    with pytest.raises(dmx.ArgumentError, match="which stem"):
        dmx.verify_onnx_parity("specialists", path,
                               repository=DATA / "model_repository")


def test_verify(exported):
    assert 0 < dmx.verify_onnx_parity(MODEL, exported) < 1e-5


def test_verify_another_checkpoint(exported):
    with pytest.raises(AssertionError) as caught:
        dmx.verify_onnx_parity(DATA / "htdemucs/model.th", exported)
    assert isinstance(caught.value, dmx.CheckError)


def test_verify_too_strict(exported):
    with pytest.raises(dmx.CheckError) as caught:
        dmx.verify_onnx_parity(MODEL, exported, tolerance=1e-12)
    assert caught.value.report["passed"] is False
    assert caught.value.report["parity"]


def test_failed_export_leaves_nothing(tmp_path):
    with pytest.raises(dmx.CheckError):
        export_to_onnx(MODEL, tmp_path / "x.onnx", parity_tolerance=1e-12)
    assert list(tmp_path.iterdir()) == []
    for arguments in ({"opset": 3}, {"precision": "int4"},
                      {"stem": "drums"}, {"sample_rate": 48000}):
        with pytest.raises(dmx.DemucsError):
            export_to_onnx(MODEL, tmp_path / "x.onnx", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_info(exported):
    info = dmx.onnx_info(exported)
    assert [i["name"] for i in info["inputs"]] == ["mix"]
    assert [o["name"] for o in info["outputs"]] == ["stems"]


def test_stft(tmp_path):
    forward = dmx.stft_to_onnx(tmp_path / "stft.onnx", nfft=1024, channels=1,
                               samples=5000)
    inverse = dmx.istft_to_onnx(tmp_path / "istft.onnx", nfft=1024,
                                channels=1, samples=5000)
    a, b = dmx.onnx_info(forward), dmx.onnx_info(inverse)
    assert a["inputs"][0]["shape"] == b["outputs"][0]["shape"] == [1, 1, 5000]
    assert a["outputs"][0]["shape"] == b["inputs"][0]["shape"] == \
        [1, 2, 512, 20]
    with pytest.raises(dmx.ArgumentError):
        dmx.stft_to_onnx(tmp_path / "x.onnx", nfft=1001)
    assert not (tmp_path / "x.onnx").exists()


def test_automatic_providers_are_quiet(exported, short_song, caplog):
    """What a script leaves to the library is no warning when it isn't there."""
    with caplog.at_level("INFO", logger="demucs_onnx"):
        dmx.separate(short_song, model=exported, stems=["bass"], progress=False)
        dmx.session_pool().clear()
    assert not [r for r in caplog.records if r.levelname != "INFO"]
