"""Stems against the recordings of the original, and against the program, byte
for byte."""
import os
import signal
import threading
import time

import demucs_onnx as dmx
import numpy as np
import pytest
from conftest import DATA, MODEL, SONG, STEMS, assert_close, program


def by_program(folder, song, *options, model=MODEL):
    program("separate", "-q", "-m", model, song, "-o", folder, "--filename",
            "{stem}.{ext}", *options)
    return {p.stem: p.read_bytes() for p in folder.iterdir()}


# --------------------------------------------------------------- recordings

@pytest.mark.parametrize("engine", ["native", "onnxruntime"])
@pytest.mark.parametrize("name, options, normalize", [
    ("single", {}, False),
    ("overlap50_power2", {"overlap": 0.5, "transition_power": 2.0}, False),
    ("normalized", {}, True),
])
def test_recordings(name, options, normalize, engine):
    mix = np.load(DATA / "track/mix.npy")
    with dmx.Separator(DATA / "htdemucs/model.th", engine=engine,
                       **options) as s:
        assert s.backend.startswith(engine)
        got = s.apply(mix.reshape(2, -1), normalize=normalize)
    assert_close(got, DATA / f"track/{name}.npy")


def test_segment_of_one_model():
    """The network itself: one segment, recorded from PyTorch."""
    mix = np.load(DATA / "full_length/mix.npy")[0]
    with dmx.Separator(DATA / "full_length/model.th") as s:
        assert mix.shape == (s.channels, s.samples)


# ------------------------------------------------------ files byte for byte

@pytest.mark.parametrize("arguments, options", [
    ({}, []),
    ({"format": "flac", "bits": 24}, ["--flac", "--int24"]),
    ({"bits": 32}, ["--float32", "--clip-mode", "none"]),
    ({"format": "mp3", "bitrate_kbps": 192}, ["--mp3", "--bitrate", "192"]),
    ({"format": "ogg"}, ["--ogg"]),
    ({"exact_sum": True}, ["--exact-sum"]),
    ({"clip": "tanh", "mono": True}, ["--clip-mode", "tanh", "--mono"]),
    ({"rate": 22050, "dither": True}, ["--samplerate", "22050", "--dither"]),
    ({"two_stems": "vocals"}, ["--two-stems", "vocals"]),
], ids=lambda v: "-".join(map(str, v)) or "wav" if isinstance(v, list) else "")
def test_files_are_the_program_s(tmp_path, separator, short_song, arguments,
                                 options):
    wanted = by_program(tmp_path / "program", short_song, *options)
    if arguments == {"bits": 32}:
        arguments = {"bits": 32, "clip": "none"}
    stems = separator.separate(short_song, tmp_path / "python", **arguments)
    got = {p.stem: p.read_bytes() for p in (tmp_path / "python").iterdir()}
    assert got.keys() == wanted.keys() == set(stems)
    for name in wanted:
        if arguments.get("format") == "ogg":  # a random serial number
            assert len(got[name]) == len(wanted[name])
        else:
            assert got[name] == wanted[name], name


def test_mix_is_the_program_s(tmp_path, separator, short_song):
    wanted = by_program(tmp_path / "program", short_song, "--mix-stems",
                        "drums,bass")
    separator.separate(short_song, tmp_path / "python",
                       mixes={"both": ["drums", "bass"]})
    assert (tmp_path / "python/both.wav").read_bytes() == \
        wanted["drums+bass"]


def test_arrays_are_the_program_s(tmp_path, short_song):
    by_program(tmp_path, short_song, "--float32")
    stems = dmx.separate(short_song, model=MODEL, progress=False)
    assert tuple(stems) == STEMS and stems.samplerate == 44100
    for name, array in stems.items():
        wanted, rate = dmx.load_audio(tmp_path / f"{name}.wav")
        assert array.dtype == np.float32 and array.shape == (2, 2 * rate)
        assert np.array_equal(array, wanted)


def test_array_in(tmp_path, separator, short_song):
    """An array is the file it came from, also at another rate and in mono."""
    audio, rate = dmx.load_audio(short_song)
    of_file = separator.separate(short_song)
    of_array = separator.separate(audio)
    applied = separator.apply(audio)
    for i, name in enumerate(separator.stems):
        assert np.array_equal(of_array[name], of_file[name])
        assert np.array_equal(applied[i], of_file[name])
    odd = audio[:1, :30000]
    dmx.write_audio(tmp_path / "odd.wav", odd, 32000, bits=32)
    of_file = separator.separate(tmp_path / "odd.wav")
    of_array = separator.separate(odd[0], sample_rate=32000)
    assert of_array.samplerate == 32000
    for name in separator.stems:
        assert np.array_equal(of_array[name], of_file[name])
        assert of_array[name].shape[1] == 30000


def test_wanted_stems(short_song):
    with dmx.Separator(MODEL, stems=["vocals", "bass"]) as s:
        assert s.stems == ("bass", "vocals") and s.sources == STEMS
        assert set(s.separate(short_song)) == {"bass", "vocals"}
    with dmx.Separator(MODEL, without="vocals") as s:
        assert "vocals" not in s.stems


def test_files_read_back(tmp_path, separator, short_song):
    stems = separator.separate(short_song, tmp_path, bits=32, clip="none")
    assert stems.files["drums"] == tmp_path / "drums.wav"
    assert np.array_equal(stems["drums"], separator.separate(
        short_song)["drums"])
    assert stems.report.frames == stems["drums"].shape[1]
    assert 0 < stems.report.peak["drums"] < 2


# ------------------------------------------------------- many songs, cancel

def test_events(tmp_path, separator, short_song):
    songs = [short_song, tmp_path / "missing.wav", str(short_song)]
    events = list(separator.events(songs, tmp_path))
    kinds = [type(e) for e in events if not isinstance(e, dmx.ProgressEvent)]
    assert kinds == [dmx.SongEvent, dmx.ErrorEvent, dmx.SongEvent]
    assert any(isinstance(e, dmx.ProgressEvent) and e.fraction > 0
               for e in events)
    error = next(e for e in events if isinstance(e, dmx.ErrorEvent))
    assert isinstance(error.error, dmx.FileError) and error.song == songs[1]
    assert (tmp_path / "short/drums.wav").exists()


def test_closed_generator_cancels(tmp_path, separator):
    start = time.monotonic()
    for event in separator.events([SONG] * 1000, tmp_path / "out"):
        break
    assert time.monotonic() - start < 60
    assert not list((tmp_path / "out").rglob("*.wav"))
    assert not [t for t in threading.enumerate() if t.name == "demucs-onnx"]


def test_exception_in_callback(tmp_path, separator, short_song):
    class Mine(Exception):
        pass

    def progress(stage, fraction):
        if stage == "separate":
            raise Mine("enough")

    with pytest.raises(Mine, match="enough"):
        separator.separate(short_song, tmp_path, progress=progress)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Mine):
        separator.apply(dmx.load_audio(short_song)[0], progress=progress)


def test_cancel(tmp_path, separator):
    timer = threading.Timer(0.2, separator.cancel)
    timer.start()
    with pytest.raises(dmx.Cancelled):
        for _ in range(20):
            separator.separate(SONG, tmp_path)
    timer.join()
    assert separator.apply(np.zeros((2, 1000), np.float32)).shape == \
        (4, 2, 1000)


def test_control_c(tmp_path, separator):
    # In the background a shell starts programs that ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in range(20):
                separator.separate(SONG, tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    timer.join()


def test_threads_share_one(separator, short_song):
    wanted = separator.separate(short_song)
    results = [None] * 3

    def work(i):
        results[i] = separator.separate(short_song)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for result in results:
        assert all(np.array_equal(result[n], wanted[n]) for n in wanted)


# ------------------------------------------------------------- DJ stem files

def test_stem_file(tmp_path, separator, short_song):
    """The program's, byte for byte; every track can be read back."""
    program("separate", "-m", MODEL, short_song, "-o", tmp_path / "own",
            "--stem-mp4", "--clip-mode", "rescale")
    found = separator.separate(short_song, tmp_path / "py", format="stem.mp4")
    path = tmp_path / "py/short.stem.mp4"
    assert list(found) == ["mix", *STEMS]
    assert set(found.files.values()) == {path}
    assert path.read_bytes() == \
        (tmp_path / "own/short.stem.mp4").read_bytes()
    song, _ = dmx.load_audio(short_song)
    assert found["mix"].shape == found["vocals"].shape == song.shape
    total = sum(found[s] for s in STEMS)
    assert np.abs(total - found["mix"]).std() < 0.2 * found["mix"].std()
    assert np.abs(found["vocals"] - found["drums"]).max() > 0.01
    with dmx.Sound(path, stream=5) as sound:
        assert np.array_equal(sound.read_all(), found["vocals"])
    with pytest.raises(dmx.ArgumentError):
        dmx.load_audio(path, stream=6)
    with pytest.raises(dmx.ArgumentError):
        dmx.load_audio(path, stream=-1)
    with pytest.raises(OSError, match="exists"):
        separator.separate(short_song, tmp_path / "py", format="stem.mp4",
                           overwrite=False)


def test_stem_file_of_six(tmp_path, short_song):
    with dmx.Separator(DATA / "htdemucs_6s/model.th") as s:
        with pytest.raises(dmx.ArgumentError, match="here there are 6"):
            s.separate(short_song, tmp_path / "x", format="stem.mp4")
        with pytest.raises(dmx.ArgumentError, match="summed twice"):
            s.separate(short_song, tmp_path / "x", format="stem.mp4",
                       mixes={"a": ["other", "guitar"],
                              "b": ["guitar", "piano"]})
        assert not (tmp_path / "x").exists()
        found = s.separate(short_song, tmp_path, format="stem.mp4",
                           mixes={"rest": ["other", "guitar", "piano"]})
        assert list(found) == ["mix", "drums", "bass", "rest", "vocals"]


@pytest.mark.parametrize("arguments", [
    {"two_stems": "bass"}, {"filename": "{stem}.{ext}"}, {"mono": True},
    {"filename": "{track}.mp4"}, {"mixes": {"mix": ["drums", "bass"]}},
    {"mixes": {"x": ["drums", "bass"]}}, {"exact_sum": True},
])
def test_stem_file_refusals(tmp_path, separator, short_song, arguments):
    with pytest.raises(dmx.ArgumentError):
        separator.separate(short_song, tmp_path / "x", format="stem.mp4",
                           **arguments)
    assert not list(tmp_path.rglob("*.mp4"))
    with pytest.raises(dmx.ArgumentError, match="output_dir"):
        separator.separate(short_song, format="stem.mp4")


def test_stem_files_of_many(tmp_path, short_song):
    found = dmx.separate(short_song, tmp_path, model=MODEL,
                         output_format="stem.mp4", progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["short.stem.mp4"]
    assert found.files["bass"].name == "short.stem.mp4"
    again = dmx.separate(short_song, tmp_path / "b", model=MODEL,
                         format="stem.mp4", progress=False)
    assert again.files["mix"] == tmp_path / "b/short.stem.mp4"


# ------------------------------------------------------------------ refusals

@pytest.mark.parametrize("arguments", [
    {"bits": 12}, {"format": "aiff"}, {"filename": "{nothing}.wav"},
    {"filename": "same.wav"}, {"two_stems": "guitar"},
    {"mixes": {"x": ["guitar"]}}, {"mixes": {"drums": ["bass"]}},
    {"clip": "loud"}, {"raw": "f32le"}, {"rate": -1},
])
def test_refusals(tmp_path, separator, short_song, arguments):
    with pytest.raises(dmx.ArgumentError):
        separator.separate(short_song, tmp_path / "x", **arguments)
    assert not list(tmp_path.rglob("*.wav"))


def test_more_refusals(tmp_path, separator, short_song):
    for wrong in (np.zeros((44100, 2)), np.zeros((1, 2, 3)),
                  np.zeros((3, 100))):
        with pytest.raises(dmx.ArgumentError):
            separator.apply(wrong)
    with pytest.raises(dmx.ArgumentError, match="finite"):
        separator.apply(np.full((2, 10), np.nan))
    with pytest.raises(dmx.ArgumentError):
        dmx.Separator(MODEL, stems=["guitar"])
    with pytest.raises(dmx.ArgumentError):
        dmx.Separator(MODEL, engine="torch")
    with pytest.raises(dmx.ArgumentError):
        dmx.Separator(MODEL, overlap=2.0)
    with pytest.raises(dmx.DemucsError):
        dmx.Separator(tmp_path / "missing.th", offline=True)
    separator.separate(short_song, tmp_path, two_stems="bass")
    with pytest.raises(OSError, match="exists"):
        separator.separate(short_song, tmp_path, two_stems="bass",
                           overwrite=False)


def test_names_stay_in_the_folder(tmp_path, separator, short_song):
    inside = tmp_path / "inside"
    stems = separator.separate(short_song, inside,
                               mixes={"../../up": ["drums"]})
    assert {p.parent for p in stems.files.values()} == {inside}
    assert {p.name for p in tmp_path.iterdir()} == {"inside"}


def test_bag_and_repository(short_song):
    folder = DATA / "model_repository"
    stems = dmx.separate(short_song, model="pair", repository=folder,
                         progress=False)
    assert len(stems) > 0
