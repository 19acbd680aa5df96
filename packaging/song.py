"""song.py FILE FRAMES: a stereo WAV of 44,100 Hz for trying packages with."""
import math
import sys
import wave

path, frames = sys.argv[1], int(sys.argv[2])
with wave.open(path, "wb") as song:
    song.setnchannels(2)
    song.setsampwidth(2)
    song.setframerate(44100)
    song.writeframes(b"".join(
        int(9000 * math.sin(i * i / 1e6) * s).to_bytes(2, "little", signed=True)
        for i in range(frames) for s in (1, -0.5)))
