# The commands of docs/cluster.md, GNU parallel, the Kubernetes manifest.
source "$(dirname "$0")/helpers.sh"
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
mkdir songs store bin
short_song one.wav
for i in 1 2 3 4 5 6 7 8 9; do song songs/$i.wav $i; done
cp songs/1.wav songs/2.wav store
ls songs/*.wav >songs.txt
printf '1.wav\n2.wav\n' >objects.txt
ln -s "$DEMUCS_ONNX" bin/demucs-onnx
ln -s "$SOURCE/examples" examples
export PATH=$WORK/bin:$PATH
# GNU parallel asks for a citation once.
export HOME=$WORK
mkdir -p .parallel && touch .parallel/will-cite

# One command a block, in the order of the page; a model that is here stands
# for the released one.
awk '/^```sh$/ { n++; on = 1; next } /^```/ { on = 0 }
    on { print > ("block" n ".sh") }' "$SOURCE/docs/cluster.md"
sed -i "s|--model htdemucs\b|--model $MODEL|" block*.sh
sed -i "s|htdemucs.th --song 240|$MODEL --song 2|" block*.sh
check "five commands" test "$(ls block*.sh | wc -l)" = 5

run 0 bash -e block1.sh
check "one shard" test -s separated/results-0.jsonl
cp separated/results-0.jsonl first.jsonl
run 0 bash -e block1.sh
check "done once" cmp first.jsonl separated/results-0.jsonl

if command -v parallel >/dev/null; then
    run 0 bash -e block3.sh
    run 0 bash -e block2.sh
    check "all of them, once" test "$(wc -l <results.jsonl)" = 9
    check "all done" test "$(grep -c '"state": "done"' results.jsonl)" = 9
    check "every file" test "$(find separated/stems -name '*.wav' | wc -l)" = 36
    run 0 bash -e block3.sh
    check "nothing twice" test "$(cat separated/results-*.jsonl | wc -l)" = 9
else
    echo "GNU parallel is not installed: its example was not run"
fi

run 0 bash -e block4.sh
check "stems in the store" test "$(cd stems/htdemucs && echo 2.wav*/*)" = \
    "2.wav/bass.flac 2.wav/drums.flac 2.wav/other.flac 2.wav/vocals.flac"
check "markers" test -s stems/htdemucs/1.wav.done
rm stems/htdemucs/1.wav.done stems/htdemucs/2.wav/bass.flac
run 0 bash -e block4.sh
check "only what has no marker" test ! -e stems/htdemucs/2.wav/bass.flac -a \
    -s stems/htdemucs/1.wav.done
echo missing.wav >objects.txt
run 1 bash -e block4.sh
says err 'missing.wav: failed'

run 0 bash -e block5.sh
says out 'songs an hour'

# A merge keeps the last word and tells failures.
cat >one.jsonl <<'END'
{"song": "a", "key": "01", "state": "failed", "retry": true}
{"song": "b", "key": "02", "state": "failed", "retry": false}
{"song": "a", "key": "01", "state": "done"}
{"song": "c", "key": "03", "sta
END
run 1 bash "$SOURCE/examples/cluster/merge.sh" one.jsonl
check "two songs" test "$(wc -l <out)" = 2
says out '"song": "a".*"done"'

# The manifest: the fields an Indexed Job needs, and its command, run.
cat >check.py <<'END'
import sys
import yaml

job, = yaml.safe_load_all(open(sys.argv[1]))
assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
spec = job["spec"]
assert spec["completionMode"] == "Indexed"
assert 1 <= spec["parallelism"] <= spec["completions"]
known = {"completionMode", "completions", "parallelism",
         "backoffLimitPerIndex", "maxFailedIndexes", "podFailurePolicy",
         "template"}
assert set(spec) == known, set(spec) ^ known
assert spec["maxFailedIndexes"] <= spec["completions"]
pod = spec["template"]["spec"]
assert pod["restartPolicy"] == "Never"  # podFailurePolicy demands it
container, = pod["containers"]
for rule in spec["podFailurePolicy"]["rules"]:
    codes = rule.get("onExitCodes")
    if codes:
        assert rule["action"] == "FailIndex" and 0 not in codes["values"]
        assert not {75, 130, 137} & set(codes["values"])
        assert codes["containerName"] == container["name"]
mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
assert set(mounts) == {v["name"] for v in pod["volumes"]}
assert pod["securityContext"]["runAsNonRoot"] is True
command, = container["args"]
assert f'$JOB_COMPLETION_INDEX/{spec["completions"]}' in command
assert container["command"] == ["/bin/sh", "-c"]
print(command)
END
if /usr/bin/python3 -c 'import yaml' 2>/dev/null; then
    run 0 /usr/bin/python3 check.py "$SOURCE/examples/cluster/kubernetes.yaml"
    mkdir -p music/models
    cp "$MODEL" music/models/htdemucs.th
    cp songs.txt music
    sed "s|/music|$WORK/music|g" out >pod.sh
    mkdir music/out
    for index in 0 1; do
        JOB_COMPLETION_INDEX=$index run 0 sh pod.sh
    done
    check "results of two pods" test -e music/out/results-0.jsonl -a \
        -e music/out/results-1.jsonl
    check "some songs" test "$(cat music/out/results-?.jsonl | wc -l)" -gt 0
else
    echo "PyYAML is not installed: the manifest was not checked"
fi
finish
