# Every command takes a model's name: list, download, inspect, export, verify,
# separate; with a mirror on loopback, from the cache, offline, from a folder.
source "$(dirname "$0")/helpers.sh"
unset http_proxy all_proxy ALL_PROXY TORCH_HOME XDG_CACHE_HOME
unset DEMUCS_ONNX_MIRROR DEMUCS_ONNX_REGISTRY
export HOME=$WORK/home DEMUCS_ONNX_CACHE=$WORK/cache
mkdir home

sha() { sha256sum "$1" | cut -c1-64; }
drums=$DMX_TEST_DATA/htdemucs/model.th
other=$DMX_TEST_DATA/track/second.th
six=$DMX_TEST_DATA/htdemucs_6s/model.th
member() {
    printf '{"signature": "%s", "files": [{"url": "%s.th", "sha256": "%s"}]}' \
        "$1" "$1" "$(sha "$2")"
}
model() { # NAME SOURCES WEIGHTS MEMBERS
    printf '{"name": "%s", "sources": [%s], "classes": ["HTDemucs"], "weights": %s, "members": [%s]}' "$@"
}
four='"drums", "bass", "other", "vocals"'
eye='[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]'
cat >registry.json <<EOF
{"format": "demucs-onnx registry 1", "base": "https://models.invalid/x/",
 "models": [
 $(model htdemucs "$four" null "$(member 955717e8 "$drums")"),
 $(model htdemucs_ft "$four" "$eye" "$(member f7e0c4bc "$drums"),
   $(member d12395a8 "$other"), $(member 92cfc3b6 "$drums"),
   $(member 04573f0d "$other")"),
 $(model htdemucs_6s "$four, \"guitar\", \"piano\"" null \
   "$(member 5c90dfd2 "$six")")]}
EOF
# Bare weights with a file of arguments, and other names for their sources.
bare=$DMX_TEST_DATA/training/htdemucs
cat >bare.json <<EOF
{"format": "demucs-onnx registry 1", "base": "https://models.invalid/x/",
 "models": [{"name": "choir", "classes": ["HTDemucs"],
   "sources": [$four], "aliases": {"kick": "drums"},
   "config": {"url": "config.yaml", "sha256": "$(sha "$bare/config.yaml")"},
   "members": [{"signature": "choir1", "files": [
     {"url": "msst.ckpt", "sha256": "$(sha "$bare/msst.ckpt")"}]}]}]}
EOF
export DEMUCS_ONNX_REGISTRY=$WORK/registry.json
"$DMX_TEST_SERVER" "/955717e8.th~100000=$drums" "/f7e0c4bc.th=$drums" \
    "/d12395a8.th=$other" "/92cfc3b6.th=$drums" "/04573f0d.th=$other" \
    "/5c90dfd2.th=$six" "/msst.ckpt=$bare/msst.ckpt" \
    "/config.yaml=$bare/config.yaml" >url &
server=$!
trap 'kill $server; chmod -R u+w "$WORK"; rm -rf "$WORK"' EXIT
for _ in $(seq 100); do [ -s url ] && break; sleep 0.05; done
url=$(cat url)

run 0 "$DEMUCS_ONNX" list-models
says out '^htdemucs +.* no +yes +drums bass other vocals$'
says out '^mdx_q +.* yes '
check "every model runs" sh -c "! grep -q 'not yet' out"
says out '^trained and published by others:$'
says out '^cdx23_dnr +.* music sfx speech$'
says out '^  drums into kick, .*; licence: MIT'
run 0 "$DEMUCS_ONNX" list-models --json
says out '"name":"htdemucs_ft"'
check "listing makes no cache" test ! -e cache

# Offline, and without a server: nothing hangs, and messages are clear.
run 1 "$DEMUCS_ONNX" download htdemucs --offline
says err 'not in the cache'
run 2 "$DEMUCS_ONNX" download htdemuks
says err "did you mean 'htdemucs'"
run 2 "$DEMUCS_ONNX" download htdemucs --mirror ftp://example.org
says err 'not an http'

# Models that can't be run are refused before anything is downloaded; they may
# still be downloaded on request.
sed 's/"models": \[/&{"name": "strange", "sources": ["a"], "classes": ["Unheard"],\
  "members": [{"signature": "abcd0001", "files": [{"url": "abcd.th",\
  "sha256": "00000000"}]}]},/' registry.json >strange.json
for command in "separate $DMX_TEST_DATA/demo/song.flac -m" "prewarm" \
    "verify x.onnx" "export"; do
    for offline in "" --offline; do
        # shellcheck disable=SC2086
        case $command in
        export) run 1 "$DEMUCS_ONNX" export strange x.onnx --mirror "$url" \
            --registry strange.json $offline ;;
        *) run 1 "$DEMUCS_ONNX" $command strange --mirror "$url" \
            --registry strange.json $offline ;;
        esac
        says err "strange can't be run yet \(Unheard\); htdemucs"
    done
done
run 1 "$DEMUCS_ONNX" download strange --mirror "$url" --registry strange.json
says err 'HTTP 404'
check "nothing came" test -z "$(ls cache/checkpoints 2>/dev/null)"

# Without a home directory, everything that needs no cache works.
check "no home, a file" env -i "$DEMUCS_ONNX" separate -q --stem drums -m \
    "$DMX_TEST_DATA/demo/htdemucs_tiny-87685527.th" \
    "$DMX_TEST_DATA/demo/song.flac" -o homeless
check "no home, a list" env -i "$DEMUCS_ONNX" list-models -q >/dev/null
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    lost() { env -i setpriv --reuid 54321 --clear-groups "$DEMUCS_ONNX" "$@"; }
    mkdir lost && chmod 777 lost && chmod 755 "$WORK"
    run 0 lost separate -q --stem drums "$DMX_TEST_DATA/demo/song.flac" \
        -m "$DMX_TEST_DATA/demo/htdemucs_tiny-87685527.th" -o lost/out
    run 0 lost list-models
    run 2 lost download htdemucs
    says err 'no home folder for the cache: give --cache-dir'
fi

# No such host: reported immediately, once per source.
start=$(date +%s)
run 1 "$DEMUCS_ONNX" download htdemucs
says err 'models.invalid'
check "no other try" test -z "$(grep 'trying again' err)"
check "no waiting" test $(($(date +%s) - start)) -lt 12

# The first answer is cut off: the download resumes and completes, and was
# announced.
run 0 "$DEMUCS_ONNX" download htdemucs --mirror "$url"
says err 'downloading'
says err 'ended|bytes|trying again'
says out "^$WORK/cache/checkpoints/955717e8-[0-9a-f]{8}\.th$"
check "the right file" cmp "$(cat out)" "$drums"
kill -0 $server
run 0 "$DEMUCS_ONNX" download htdemucs --offline --json
says out '"signature": "955717e8"'
run 0 "$DEMUCS_ONNX" list-models
says out '^htdemucs +.* yes +yes '

# Everything by name, from the cache alone.
run 0 "$DEMUCS_ONNX" inspect htdemucs --offline
says out 'HTDemucs'
run 0 "$DEMUCS_ONNX" export htdemucs one.onnx --offline --no-parity-check
check "one.onnx is there" test -s one.onnx
run 0 "$DEMUCS_ONNX" inspect one.onnx
run 1 "$DEMUCS_ONNX" inspect htdemucs_ft --offline

# One specialist: one download.
export DEMUCS_ONNX_MIRROR=$url
run 0 "$DEMUCS_ONNX" export htdemucs_ft bass.onnx --stem bass --no-parity-check
check "bass.onnx is there" test -s bass.onnx
check "one download" test "$(ls cache/checkpoints | wc -l)" = 2
run 0 "$DEMUCS_ONNX" export htdemucs_ft ft --no-parity-check
for stem in drums bass other vocals; do
    check "$stem" test -s "ft/htdemucs_ft_$stem.onnx"
done
check "the same bytes" cmp bass.onnx ft/htdemucs_ft_bass.onnx
run 2 "$DEMUCS_ONNX" inspect htdemucs_ft
says err 'is a bag of 4 models; choose one: f7e0c4bc'
run 0 "$DEMUCS_ONNX" inspect 04573f0d
run 0 "$DEMUCS_ONNX" export htdemucs_6s six.onnx --no-parity-check
unset DEMUCS_ONNX_MIRROR

# Songs, by name: from the cache, and from a folder.
song=$DMX_TEST_DATA/demo/song.flac
run 1 "$DEMUCS_ONNX" separate "$song" --offline --cache-dir "$WORK/empty"
says err 'not in the cache'
run 0 "$DEMUCS_ONNX" separate "$song" -n htdemucs_tiny -o songs --stem vocals \
    --repo "$DMX_TEST_DATA/demo"
says out 'songs/.*vocals'

# Exports in the cache: made once, and again when damaged or when options
# differ.
warm() {
    run 0 "$DEMUCS_ONNX" prewarm 955717e8 --offline --no-parity-check "$@"
    tail -n 1 out
}
if "$DEMUCS_ONNX" prewarm 955717e8 --offline --no-parity-check >out 2>err; then
    model=$(tail -n 1 out)
    check "in the cache" test -s "$model"
    inode=$(stat -c %i "$model")
    check "used again" test "$(warm)" = "$model"
    check "not made again" test "$(stat -c %i "$model")" = "$inode"
    printf x | dd of="$model" bs=1 seek=3000 conv=notrunc status=none
    check "same name" test "$(warm)" = "$model"
    check "made again" test "$(stat -c %i "$model")" != "$inode"
    run 0 "$DEMUCS_ONNX" separate "$song" -m 955717e8 --offline -v -o warm \
        --engine onnxruntime --stem bass
    says err "model $model"
    check "options count" test "$(warm --precision fp16weights)" != "$model"
else
    says err 'ONNX Runtime'
fi

# Bare weights with a file of their arguments.
run 0 "$DEMUCS_ONNX" list-models --registry bare.json
says out '^choir .* drums \(kick\) '
run 0 "$DEMUCS_ONNX" separate "$song" -m choir --registry bare.json \
    --mirror "$url" -o choir --stem kick
check "kick is drums" test -s "$(find choir -name 'drums.*')"
run 0 "$DEMUCS_ONNX" separate "$song" -m choir --registry bare.json \
    --offline -o choir2 --two-stems kick
check "and the rest" test -s "$(find choir2 -name 'no_drums.*')"
check "both files" test "$(find cache -name 'choir*' | wc -l)" = 2
run 0 "$DEMUCS_ONNX" export choir kick.onnx --stem kick --no-parity-check \
    --registry bare.json --offline
check "one stem" test -s kick.onnx
run 0 "$DEMUCS_ONNX" download choir --registry bare.json --offline
says out 'choir-.*yaml$'
run 2 "$DEMUCS_ONNX" separate "$song" -m choir --registry bare.json \
    --offline -o choir --stem snare
says err "no stem 'snare'"
printf x >>"$(find cache -name 'choir-*.yaml')"
run 1 "$DEMUCS_ONNX" inspect choir --registry bare.json --offline
says err 'damaged'
for wrong in '"kick": 1' '"kick": "flute"' '"drums": "drums"' '"../x": "drums"'
do
    sed "s|\"kick\": \"drums\"|$wrong|" bare.json >wrong.json
    run 1 "$DEMUCS_ONNX" list-models --registry wrong.json
    says err 'alias'
done
sed 's|config.yaml"|config.th"|' bare.json >wrong.json
run 1 "$DEMUCS_ONNX" list-models --registry wrong.json
says err "'config' is no"

# A folder of models in place of the release.
repo=$DMX_TEST_DATA/model_repository
run 0 "$DEMUCS_ONNX" export --repo "$repo" specialists spec --no-parity-check
check "specialists" test -s spec/specialists_vocals.onnx
run 0 "$DEMUCS_ONNX" export --repo "$repo" pair pair --no-parity-check
check "pair" test -s pair/pair.json
run 2 "$DEMUCS_ONNX" export --repo "$repo" nothing x.onnx
says err 'aaaa0001'

# Damage is found and removed.
damaged=$(ls cache/checkpoints/955717e8-*)
printf x | dd of="$damaged" bs=1 seek=1000 conv=notrunc status=none
run 1 "$DEMUCS_ONNX" download htdemucs --offline
says err 'damaged'
check "removed" test ! -e "$damaged"

# (Some builds of ONNX Runtime keep files of their own there.)
check "nothing of ours in the home folder" test -z \
    "$(find home -type f ! -path '*/.onnxruntime/*')"
check "no left-overs" test -z "$(find cache -name '*.part*' -o -name '*.lock')"
finish
