"""Live streams against each other and the truth of their latency."""
import threading

import demucs_onnx as dmx
import numpy as np
import pytest
from conftest import MODEL, SONG, STEMS


@pytest.fixture(scope="module")
def short():
    with dmx.Separator(MODEL, segment=0.5, unpadded=True, threads=1) as s:
        yield s


@pytest.fixture(scope="module")
def mix():
    return dmx.load_audio(SONG)[0][:, 200000:244100]


def stream_of(separator, **options):
    return dmx.Stream(separator, hop=0.2, block=0.05, **options)


def test_blocks_of_any_length_are_the_same(short, mix):
    results = []
    for sizes in ((64,), (1000,), (44100,), (1, 37, 5000)):
        with stream_of(short) as stream:
            parts, at = [], 0
            while at < mix.shape[1]:
                n = sizes[len(parts) % len(sizes)]
                parts.append(stream.process(mix[:, at:at + n]))
                at += n
            parts.append(stream.flush())
            results.append(np.concatenate(parts, axis=2))
            found = stream.statistics()
            assert found.late_frames == found.lost_frames == 0
            assert found.runs >= 5
            assert found.latency == stream.latency
    assert all(np.array_equal(r, results[0]) for r in results)
    assert results[0].dtype == np.float32


def test_the_stems_come_after_the_latency(short, mix):
    with stream_of(short) as stream:
        assert stream.stems == STEMS and stream.samplerate == 44100
        assert stream.latency > 0.25 * 44100
        stems = np.concatenate(list(stream.blocks(np.array_split(
            mix, 20, axis=1))), axis=2)
    assert stems.shape == (4, 2, mix.shape[1])
    # The demo's stems add up to the mix but for what the model leaves out:
    # with a wrong offset nothing would be left of that.
    rest = stems.sum(axis=0) - mix
    assert (rest ** 2).mean() < 0.1 * (mix ** 2).mean()
    shifted = stems.sum(axis=0)[:, 50:] - mix[:, :-50]
    assert (shifted ** 2).mean() > 3 * (rest ** 2).mean()


def test_live_never_waits(short, mix):
    with stream_of(short, live=True, dry=True) as stream:
        got = stream.process(mix)
        assert got.shape == (4, 2, mix.shape[1])
        found = stream.statistics()
        assert found.late_frames + found.runs > 0


def test_reset_and_threads(short, mix):
    with stream_of(short) as stream, stream_of(short) as other:
        worker = threading.Thread(target=lambda: other.process(mix))
        worker.start()
        stream.process(mix[:, :10000])
        stream.reset()
        assert np.isfinite(stream.process(mix)).all()
        worker.join()
        assert other.statistics().runs > 0


def test_suggested_hop(short):
    with dmx.Stream(short, hop=None) as stream:
        assert 0 < stream.hop <= 0.5


def test_refusals(short, mix):
    with pytest.raises(dmx.ArgumentError):
        dmx.Stream(short, hop=10.0)
    with stream_of(short) as stream:
        with pytest.raises(dmx.ArgumentError):
            stream.process(mix[:1])
    with pytest.raises(ValueError, match="closed"):
        stream.process(mix)


def test_precision(mix):
    with dmx.Separator(MODEL) as exact, \
            dmx.Separator(MODEL, precision="int16") as narrow:
        a, b = exact.apply(mix), narrow.apply(mix)
        assert narrow.precision[0]["precision"] == "int16"
        assert exact.precision[0]["exact"]
        noise = ((a - b) ** 2).sum(axis=(1, 2))
        assert (10 * np.log10((a ** 2).sum(axis=(1, 2))
                              / np.maximum(noise, 1e-30)) > 50).all()
    with pytest.raises(dmx.ArgumentError):
        dmx.Separator(MODEL, precision="int4")


def test_files_of_any_length(tmp_path):
    written = dmx.export_to_onnx(MODEL, tmp_path / "any.onnx", dynamic=True)
    (path,) = written.values()
    shape = dmx.onnx_info(path)["inputs"][0]["shape"]
    assert not any(isinstance(n, int) for n in (shape[0], shape[2]))
    assert dmx.verify_onnx_parity(MODEL, path, samples=4999) < 1e-4
    dmx.export_to_onnx(MODEL, tmp_path / "two.onnx", batch=2)
    assert dmx.onnx_info(tmp_path / "two.onnx")["inputs"][0]["shape"][0] == 2
    for wrong in ({"dynamic": "length"}, {"dynamic": True, "batch": 2},
                  {"batch": -1}):
        with pytest.raises(dmx.ArgumentError):
            dmx.export_to_onnx(MODEL, tmp_path / "x.onnx", **wrong)
