# Every released name and those of others through every command: small networks
# of the same classes and sources in the cache, under a registry that has the
# built-in one's names, signatures, weights, segments, aliases and
# configurations, but the hashes of these files. Quantized files against
# recordings of the original.
source "$(dirname "$0")/helpers.sh"
if ! command -v python3 >/dev/null; then
    echo "no python3"
    exit 77
fi
unset http_proxy all_proxy ALL_PROXY TORCH_HOME XDG_CACHE_HOME
unset DEMUCS_ONNX_MIRROR DEMUCS_ONNX_REGISTRY
export HOME=$WORK/home DEMUCS_ONNX_CACHE=$WORK/cache
mkdir -p home onnx song cache/checkpoints
quantized=$DMX_TEST_DATA/quantized

cat >fill.py <<'E2'
"""fill.py LIST BUILD QUANTIZED: makes registry.json, and files in the cache."""
import hashlib, json, shutil, subprocess, sys

models = json.load(open(sys.argv[1]))["models"]
make, quantized = sys.argv[2] + "/tools/make-checkpoint", sys.argv[3]
TIME = "0d19c1c6 7ecf8ec1 6b9c2ca1 b72baf4e 9a6b4851 1ef250f1".split()
MAGNITUDES = "c511e2ab a1d90b5c 5d2d6c55".split()
packed = {"Demucs": ["demucs_q8/model.th"],
          "HDemucs": ["hdemucs_q_float16/model" + end + ".th"
                      for end in ("", "_torch_pack", "_unpacked")]}
made = {}

def generate(path, klass, signature, sources):
    seed = ["--seed", str(len(made))]
    kwargs = {"sources": sources, "channels": 4, "segment": 0.5}
    if klass == "HTDemucs":
        seed += ["--preset", "tiny", "--sources", ",".join(sources)]
    elif klass == "Demucs":
        kwargs |= {"depth": 4, "normalize": True,
                   "rewrite": signature in ("9a6b4851", "1ef250f1")}
    else:
        kwargs |= {"depth": 5, "nfft": 1024}
        if signature in MAGNITUDES:
            kwargs |= {"cac": False, "hybrid_old": signature == "c511e2ab"}
        if signature == "7d865c68":
            kwargs |= {"multi_freqs": [0.1, 0.3], "multi_freqs_depth": 2}
    if klass != "HTDemucs":
        seed += ["--class", klass, "--arguments", json.dumps(kwargs)]
    subprocess.run([make, path, *seed], check=True)

def bare(path):
    """Without class and arguments."""
    data = open(path, "rb").read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    del header["__metadata__"]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data[8 + size:])

def put(path, signature):
    digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
    end = "." + path.rsplit(".", 1)[1]
    shutil.copy(path, f"cache/checkpoints/{signature}-{digest[:8]}{end}")
    return {"url": signature + end, "sha256": digest}

def file_of(model, signature):
    if signature not in made:
        klass = model["classes"][0]
        if len(model["classes"]) > 1:
            klass = "Demucs" if signature in TIME else "HDemucs"
        path = signature + ".safetensors"
        if model["quantized"]:
            files = packed[klass]
            path = f"{quantized}/{files[len(made) % len(files)]}"
        else:
            generate(path, klass, signature, model["sources"])
        if model["config"]:
            bare(path)
        made[signature] = put(path, signature)
    return made[signature]

out = []
for model in models:
    keep = {key: model[key] for key in ("name", "sources", "classes",
                                        "aliases", "weights", "segment")}
    if model["config"]:
        open("config.yaml", "w").write(
            "training: {samplerate: 44100, channels: 2, segment: 0.78,\n"
            f"  instruments: [{', '.join(model['sources'])}]}}\n"
            "model: htdemucs\n"
            "htdemucs: {channels: 8, bottom_channels: 64, t_heads: 8,\n"
            "  t_layers: 5, dconv_mode: 3}\n")
        keep["config"] = put("config.yaml", model["name"])
    if model["classes"] == ["HTDemucs"] and model["segment"]:
        keep["segment"] = 0.78  # no more than these files have
    keep["members"] = [{"signature": m["signature"],
                        "files": [file_of(model, m["signature"])]}
                       for m in model["members"]]
    out.append(keep)
json.dump({"format": "demucs-onnx registry 1",
           "base": "https://models.invalid/x/", "models": out},
          open("registry.json", "w"))
for model in out:
    print(model["name"], len(model["members"]),
          model["members"][0]["signature"],
          int(any(w not in (0, 1) or sum(column) != 1
                  for column in zip(*(model["weights"] or []))
                  for w in column) or not model["weights"]),
          ",".join(model["sources"]))
E2
run 0 "$DEMUCS_ONNX" list-models --json
cp out list.json
python3 fill.py list.json "$DMX_BUILD" "$quantized" >names || exit 1
check "eleven names, and six of others" test "$(wc -l <names)" = 17
export DEMUCS_ONNX_REGISTRY=$WORK/registry.json

cat >near.py <<'E2'
"""near.py FILE... = FILE: the mean of the files on the left is the last one to
1e-5 of its peak; all are float32 WAV."""
import array, sys

def read(path):
    data = open(path, "rb").read()
    at = data.index(b"data") + 8
    return array.array("f", data[at:at + (len(data) - at) // 4 * 4])

*names, equals, last = sys.argv[1:]
left, right = [read(name) for name in names], read(last)
assert all(len(x) == len(right) for x in left) and len(right) > 40000
peak = max(map(abs, right))
worst = max(abs(sum(x) / len(left) - y) for *x, y in zip(*left, right))
print(f"{last}: {worst / peak:.2e} of the peak")
sys.exit(not (peak > 0 and worst <= 1e-5 * peak))
E2
near() { check "near: $*" python3 near.py "$@"; }

short_song song.wav
stems() { # FOLDER MODEL OPTION...
    local folder=$1 model=$2
    shift 2
    run 0 "$DEMUCS_ONNX" separate song.wav --offline -m "$model" -o "$folder" \
        --float32 --filename '{stem}.{ext}' "$@"
}

run 0 "$DEMUCS_ONNX" list-models
while read -r name members first plain sources; do
    says out "^$name +.* yes +yes "
done <names

while read -r name members first plain sources; do
    if [ "$members" = 1 ]; then
        first=$name
    else
        run 2 "$DEMUCS_ONNX" inspect "$name" --offline
        says err "is a bag of $members models; choose one: $first"
    fi
    run 0 "$DEMUCS_ONNX" inspect "$first" --offline
    says out '^audio +2 channels, 44100 Hz'
    stems "song/$name" "$name"
    check "$name: its stems" test "$(cd "song/$name" && echo *)" = \
        "$(echo "$sources" | tr , '\n' | sort | sed 's/$/.wav/' | xargs)"
    [ "$members" = 1 ] && model=onnx/$name.onnx || model=onnx/$name
    run 0 "$DEMUCS_ONNX" export "$name" "$model" --offline --no-parity-check
    if [ "$plain" = 1 ] && [ "$members" -gt 1 ]; then
        check "$name: its bag" test -s "$model/$name.json"
        model=$model/${name}_0.onnx
    elif [ "$members" -gt 1 ]; then
        model=$model/${name}_${sources%%,*}.onnx
    fi
    run 0 "$DEMUCS_ONNX" inspect "$model"
    [ -n "${DEMUCS_ONNXRUNTIME:-}" ] || continue
    length=()
    grep -q '^  dynamic ' out && length=(--samples 10007)
    run 0 "$DEMUCS_ONNX" verify "$model" "$first" --offline "${length[@]}"
    run 0 "$DEMUCS_ONNX" prewarm "$name" --offline --no-parity-check
    check "$name: all members" test "$(grep -c "\.onnx$" out)" = "$members"
done <names

# Weights: mdx's bass is the mean of the two Demucs, its vocals of the others.
# A member that no wanted stem needs is neither fetched nor run.
for member in 0d19c1c6 7ecf8ec1 c511e2ab 7d865c68; do
    stems "song/$member" "$member" --segment 44
done
near song/{0d19c1c6,7ecf8ec1}/bass.wav = song/mdx/bass.wav
near song/{c511e2ab,7d865c68}/vocals.wav = song/mdx/vocals.wav
near song/{0d19c1c6,c511e2ab,7d865c68}/drums.wav = song/mdx/drums.wav
mkdir away
mv cache/checkpoints/{c511e2ab,7d865c68}-* away
stems song/bass mdx --stem bass
check "the same bass" cmp song/bass/bass.wav song/mdx/bass.wav
run 1 "$DEMUCS_ONNX" separate song.wav --offline -m mdx --stem drums -o no
says err 'c511e2ab.* not in the cache|not in the cache.*c511e2ab'
mv away/* cache/checkpoints
mv cache/checkpoints/{0d19c1c6,7ecf8ec1}-* away
stems song/vocals mdx --stem vocals
check "the same vocals" cmp song/vocals/vocals.wav song/mdx/vocals.wav
mv away/* cache/checkpoints

# A bag's segment: pieces of 44 s, longer than what the members state; another
# one in another registry.
stems song/44 hdemucs_mmi --segment 44
check "44 s" cmp song/44/bass.wav song/hdemucs_mmi/bass.wav
stems song/0.4 75fc33f5 --segment 0.4
sed 's/"segment": 44.0\|"segment": 44/"segment": 0.4/g' registry.json >short.json
stems song/short hdemucs_mmi --registry short.json
check "0.4 s" cmp song/0.4/bass.wav song/short/bass.wav
check "not 44 s" test "$(cmp song/0.4/bass.wav song/44/bass.wav 2>&1)"

# Other names of stems.
stems song/kick drumsep --stem kick
check "kick is bombo" cmp song/kick/bombo.wav song/drumsep/bombo.wav
stems song/snare drumsep --two-stems snare
check "and the rest" test -s song/snare/no_redoblante.wav
run 0 "$DEMUCS_ONNX" export uvr_demucs_model_1 one.onnx --offline \
    --no-parity-check --stem vocals --prune
run 0 "$DEMUCS_ONNX" inspect one.onnx
says out '^  sources +\["vocals"\]'

# Quantized bags, by every engine; and exported ones, which run longer pieces
# than the members state, and those of Demucs widened, as checkpoints do.
engines="reference"
[ -n "${DEMUCS_ONNXRUNTIME:-}" ] && engines="reference onnxruntime"
for engine in $engines; do
    stems "song/q-$engine" mdx_q --engine "$engine"
    near "song/q-$engine/drums.wav" = song/mdx_q/drums.wav
done
[ -z "${DEMUCS_ONNXRUNTIME:-}" ] || for name in mdx_q mdx_extra_q mdx; do
    stems "song/$name-0.3" "$name" --segment 0.3
    stems "song/$name-onnx" "onnx/$name/$name.json" --segment 0.3
    stems "song/$name-onnx-44" "onnx/$name/$name.json"
    near "song/$name-onnx/bass.wav" = "song/$name-0.3/bass.wav"
    near "song/$name-onnx-44/bass.wav" = "song/$name/bass.wav"
done

# Quantized files against the original's whole recordings, where those are.
recorded() { # CHECKPOINT MIX STEMS
    run 0 "$DEMUCS_ONNX" export "$1" recorded.onnx --no-parity-check -q
    run 0 "$DEMUCS_ONNX" verify recorded.onnx --recorded "$2" "$3"
}
[ -z "${DEMUCS_ONNXRUNTIME:-}" ] ||
    for model in "$SOURCE"/../shared/fixtures/*demucs_q*/model*; do
        [ -e "$model" ] && recorded "$model" "${model%/*}"/{mix,stems}.npy
    done
finish
