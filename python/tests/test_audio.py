"""Sound files as arrays."""
import wave

import demucs_onnx as dmx
import numpy as np
import pytest
from conftest import DATA, SONG


def noise(channels, samples, seed=0):
    x = np.random.default_rng(seed).uniform(-0.9, 0.9, (channels, samples))
    return x.astype(np.float32)


def test_wav_is_what_the_standard_library_reads(tmp_path):
    x = noise(2, 1000)
    dmx.write_wav(tmp_path / "x.wav", x, 48000)
    with wave.open(str(tmp_path / "x.wav")) as f:
        assert (f.getframerate(), f.getnchannels(), f.getsampwidth()) == \
            (48000, 2, 2)
        raw = np.frombuffer(f.readframes(2000), "<i2").reshape(-1, 2).T
    assert np.array_equal(raw, np.rint(x.astype(np.float64) * 32768))
    y, rate = dmx.load_audio(tmp_path / "x.wav")
    assert rate == 48000 and np.array_equal(y, raw / np.float32(32768))


@pytest.mark.parametrize("ending, options", [
    ("wav", {"bits": 32}), ("flac", {"bits": 24}), ("wav", {"bits": 24})])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_lossless(tmp_path, ending, options, channels):
    path = tmp_path / f"sub/x.{ending}"
    x = np.rint(noise(channels, 12345) * 2**23).astype(np.float32) / 2**23
    dmx.write_audio(path, x, 44100, **options)
    y, rate = dmx.load_audio(path)
    assert rate == 44100 and np.array_equal(x, y)
    with dmx.Sound(path) as sound:
        assert sound.codec and sound.frames == 12345 and sound.exact
        parts = [sound.read(1000)]
        while parts[-1].shape[1]:
            parts.append(sound.read(1000))
    assert np.array_equal(np.concatenate(parts, axis=1), x)


@pytest.mark.parametrize("ending", ["mp3", "ogg", "m4a", "opus"])
def test_lossy(tmp_path, ending):
    x, rate = noise(2, 48000), 48000
    dmx.write_audio(tmp_path / f"x.{ending}", x, rate)
    y, got = dmx.load_audio(tmp_path / f"x.{ending}")
    assert got == rate and abs(y.shape[1] - x.shape[1]) < 3000


def tone(rate, seconds, frequency=1000.0):
    t = np.arange(int(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


@pytest.mark.parametrize("rate, wanted", [
    (48000, 44100), (44100, 48000), (8000, 44100), (96000, 16000),
    (44100, 44100)])
def test_resampled(tmp_path, rate, wanted):
    """A tone is the same tone at every rate, at the same time; mono becomes
    two equal channels, as a model takes it; the rate stays the file's."""
    x = tone(rate, 0.75)
    dmx.write_audio(tmp_path / "x.wav", x, rate, bits=32)
    y, own = dmx.load_audio(tmp_path / "x.wav", wanted)
    assert own == rate and y.dtype == np.float32
    assert y.shape == (2, -(-len(x) * wanted // rate))
    assert np.array_equal(y[0], y[1])
    inside = slice(wanted // 20, -wanted // 20)
    assert np.abs(y[0] - tone(wanted, 0.75)[:y.shape[1]])[inside].max() < 2e-6
    if rate == wanted:
        assert np.array_equal(y[0], x)


def test_resampled_is_what_models_get(tmp_path, separator):
    """``separate`` of the array at the model's rate is that of the file, to
    what the second way back from there changes."""
    x = noise(2, 9600)
    dmx.write_audio(tmp_path / "x.wav", x, 48000, bits=32)
    mine, _ = dmx.load_audio(tmp_path / "x.wav", target_sr=44100)
    own = separator.separate(tmp_path / "x.wav", rate=44100)
    given = separator.separate(mine, sample_rate=44100)
    for stem in own:
        assert np.array_equal(own[stem], given[stem]), stem


def test_channels(tmp_path):
    six = noise(6, 4000)
    dmx.write_audio(tmp_path / "six.wav", six, 44100, bits=32)
    assert dmx.load_audio(tmp_path / "six.wav")[0].shape == (6, 4000)
    two, _ = dmx.load_audio(tmp_path / "six.wav", channels=2)
    one, _ = dmx.load_audio(tmp_path / "six.wav", 22050, channels=1)
    assert two.shape == (2, 4000) and one.shape == (1, 2000)
    assert np.abs(two).max() <= 0.9 + 1e-6 and not np.array_equal(two, six[:2])
    # Piece by piece it is the same.
    with dmx.Sound(tmp_path / "six.wav", 22050, 1) as sound:
        assert (sound.rate, sound.channels) == (44100, 6)
        parts = [sound.read(333)]
        while parts[-1].shape[1]:
            parts.append(sound.read(333))
    assert np.array_equal(np.concatenate(parts, axis=1), one)


def test_dimensions(tmp_path):
    dmx.write_audio(tmp_path / "x.wav", noise(1, 100)[0], 8000)
    assert dmx.load_audio(tmp_path / "x.wav")[0].shape == (1, 100)
    dmx.write_audio(tmp_path / "y.wav", noise(2, 200)[:, ::2], 8000, bits=32)
    assert np.array_equal(dmx.load_audio(tmp_path / "y.wav")[0],
                          noise(2, 200)[:, ::2])
    for wrong in (noise(100, 2), np.zeros((1, 2, 3))):
        with pytest.raises(dmx.ArgumentError):
            dmx.write_audio(tmp_path / "z.wav", wrong, 8000)
    assert not (tmp_path / "z.wav").exists()


def test_refusals(tmp_path):
    with pytest.raises(OSError):
        dmx.load_audio(tmp_path / "missing.wav")
    with pytest.raises(dmx.FormatError):
        dmx.load_audio(DATA / "demo/README.md")
    for wrong in (0, -1, 999, 2_000_000, 2**32 + 44100):
        with pytest.raises(dmx.ArgumentError, match="1000 to 1536000"):
            dmx.load_audio(SONG, wrong)
    for wrong in (0, 3, 2**32 + 2):
        with pytest.raises(dmx.ArgumentError, match="to 1 or 2"):
            dmx.load_audio(SONG, channels=wrong)
    with pytest.raises(TypeError):
        dmx.load_audio(SONG, 44100.5)
    with pytest.raises(dmx.ArgumentError):
        dmx.write_audio(tmp_path / "x.mp3", noise(2, 10), 44100,
                        bitrate_kbps=7)
    assert list(tmp_path.iterdir()) == []


def test_sdr(tmp_path):
    truth = DATA / "demo/true_bass.flac"
    x, rate = dmx.load_audio(truth)
    dmx.write_audio(tmp_path / "half.wav", x / 2, rate, bits=32)
    assert abs(dmx.sdr(truth, tmp_path / "half.wav")
               - 20 * np.log10(2)) < 1e-4
