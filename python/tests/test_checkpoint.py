"""Checkpoints against the bytes of their files."""
import json
import pickle
import struct
import zipfile
from fractions import Fraction

import demucs_onnx
import numpy as np
import pytest
from conftest import DATA, MODEL, program

from demucs_onnx import Checkpoint


def read_safetensors(path):
    data = path.read_bytes()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    kinds = {"F16": np.float16, "F32": np.float32, "F64": np.float64,
             "I64": np.int64}
    return {name: np.frombuffer(
                data, kinds[t["dtype"]],
                int(np.prod(t["shape"])), 8 + size + t["data_offsets"][0]
            ).reshape(t["shape"])
            for name, t in header.items() if name != "__metadata__"}


def equal(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and \
        a.tobytes() == b.tobytes()


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_safetensors():
    path = DATA / "safetensors/htdemucs.safetensors"
    wanted = read_safetensors(path)
    with Checkpoint(path) as c:
        assert set(c) == set(wanted) and len(c) == len(wanted) > 100
        assert all(equal(c[n], wanted[n]) for n in c)
        assert c.klass == "demucs.htdemucs.HTDemucs"


def test_zip_is_the_same():
    wanted = read_safetensors(DATA / "safetensors/htdemucs.safetensors")
    with Checkpoint(DATA / "htdemucs/model.th") as c:
        assert set(c) == set(wanted)
        assert all(equal(c[n].astype(np.float32),
                         wanted[n].astype(np.float32)) for n in c)


def test_storages():
    """Every storage in the zip turns up as a tensor, byte for byte."""
    with zipfile.ZipFile(MODEL) as z:
        stored = {z.read(n) for n in z.namelist() if "/data/" in n}
    with Checkpoint(MODEL) as c:
        assert {a.tobytes() for a in c.values()} == stored


def test_arguments():
    with Checkpoint(MODEL) as c:
        kwargs = c.kwargs
        package = c.package()
        assert c.info == json.loads(program("inspect", "--json", MODEL)) or \
            c.info["sha256"] == c.sha256
    assert kwargs["sources"] == ["drums", "bass", "other", "vocals"]
    assert isinstance(kwargs["segment"], Fraction)
    assert package["klass"] == "demucs.htdemucs.HTDemucs"
    assert package["kwargs"] == kwargs
    assert all(isinstance(a, np.ndarray) for a in package["state"].values())


def test_shapes_without_data():
    with Checkpoint(MODEL) as c:
        for name, array in c.items():
            assert c.shape(name) == array.shape
            assert c.dtype(name) == array.dtype.name
        with pytest.raises(KeyError):
            c["no.such.weight"]
        assert "no.such.weight" not in c


def test_from_bytes():
    with Checkpoint(MODEL.read_bytes()) as c, Checkpoint(MODEL) as d:
        assert c.sha256 == d.sha256
        assert all(equal(c[n], d[n]) for n in d)


def test_odd_tensors(tmp_path):
    path = tmp_path / "odd.safetensors"
    bits = np.array([0x3F80, 0xC000, 0x0001, 0x7F7F], np.uint16)
    write_safetensors(path, {
        "half": ("BF16", [2, 2], bits.tobytes()),
        "scalar": ("F64", [], np.float64(1 / 3).tobytes()),
        "empty": ("F32", [0, 3], b""),
    })
    with Checkpoint(path) as c:
        assert c.dtype("half") == "bfloat16"
        wanted = (bits.astype(np.uint32) << 16).view(np.float32)
        assert equal(c["half"], wanted.reshape(2, 2))
        assert c["scalar"].shape == () and c["scalar"] == 1 / 3
        assert c["empty"].shape == (0, 3)
        assert c.klass is None and c.kwargs == {}


class Evil:
    def __reduce__(self):
        return exec, ("open('/tmp/demucs-onnx-was-run', 'w')",)


def test_nothing_is_run(tmp_path):
    import os
    path = tmp_path / "evil.th"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("model/data.pkl", pickle.dumps(
            {"klass": Evil(), "args": (), "kwargs": {}, "state": {}}, 2))
        z.writestr("model/version", "3\n")
    with pytest.raises(demucs_onnx.DemucsError):
        Checkpoint(path)
    assert not os.path.exists("/tmp/demucs-onnx-was-run")


@pytest.mark.parametrize("content, error", [
    (b"", demucs_onnx.FormatError),
    (b"<html>", demucs_onnx.FormatError),
    (b"PK\x03\x04" + bytes(100), demucs_onnx.FormatError),
])
def test_damage(tmp_path, content, error):
    path = tmp_path / "x.th"
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        Checkpoint(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.status == "format"
    assert isinstance(caught.value, ValueError)


def test_other_errors(tmp_path):
    with pytest.raises(OSError):
        Checkpoint(tmp_path / "missing.th")
    with pytest.raises(demucs_onnx.LimitError):
        Checkpoint(MODEL, max_bytes=1000)
    wrong = tmp_path / "aaaa0000-00000000.th"
    wrong.write_bytes(MODEL.read_bytes())
    with pytest.raises(demucs_onnx.HashError):
        Checkpoint(wrong, strict_checksum=True)
    c = Checkpoint(MODEL)
    c.close()
    c.close()
    with pytest.raises(ValueError, match="closed"):
        c["x"] if "x" in c else c.sha256


def test_model(tmp_path):
    with Checkpoint(DATA / "state_dict_only/model.th") as c:
        arguments = json.loads(
            (DATA / "state_dict_only/config.json").read_text())
        assert c.klass is None
        with pytest.raises(demucs_onnx.DemucsError):
            demucs_onnx.Model(c, arguments={"depth": 77})
        assert arguments
    with Checkpoint(MODEL) as c, demucs_onnx.Model(c) as m:
        assert m.sources == ("drums", "bass", "other", "vocals")
        assert m.samplerate == 44100
        assert m.info
