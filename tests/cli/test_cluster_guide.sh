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

# One command per block, in the order of the page; a local model stands in for
# the released one.
awk '/^```sh$/ { n++; on = 1; next } /^```/ { on = 0 }
    on { print > ("block" n ".sh") }' "$SOURCE/docs/cluster.md"
sed -i "s|--model htdemucs\b|--model $MODEL|" block*.sh
sed -i "s|htdemucs.th --song 240|$MODEL --song 2|" block*.sh
check "six commands" test "$(ls block*.sh | wc -l)" = 6

run 0 bash -e block1.sh
check "one shard" test -s separated/results-0.jsonl
cp separated/results-0.jsonl first.jsonl
run 0 bash -e block1.sh
check "done once" cmp first.jsonl separated/results-0.jsonl

mkdir few
for tool in bash cat dirname; do ln -s "$(command -v $tool)" few; done
PATH=$WORK/few run 1 bash examples/cluster/parallel.sh songs.txt x 8 :
says err 'GNU parallel is not installed'
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

# A folder stands for the object store, and a script for its client.
cat >bin/aws <<'END'
#!/bin/sh
[ "$1 $2" = "s3 cp" ] || exit 2
from=$(echo "$3" | sed 's|^s3://||') to=$(echo "$4" | sed 's|^s3://||')
if [ "$to" = - ]; then exec cat "$from"; fi
mkdir -p "$(dirname "$to")" && exec cat >"$to"
END
chmod +x bin/aws
mkdir music
cp songs/1.wav music/song.flac
run 0 bash -e -o pipefail block4.sh
run 0 "$DEMUCS_ONNX" separate songs/1.wav -m "$MODEL" --float32 -o whole
check "a stem that went through pipes" test "$(stat -c %s \
    stems/song/vocals.wav)" = "$(stat -c %s whole/1/vocals.wav)"
rm -r music stems

run 0 bash -e block5.sh
check "stems in the store" test "$(cd stems/htdemucs && echo 2.wav*/*)" = \
    "2.wav/bass.flac 2.wav/drums.flac 2.wav/other.flac 2.wav/vocals.flac"
check "markers" test -s stems/htdemucs/1.wav.done
rm stems/htdemucs/1.wav.done stems/htdemucs/2.wav/bass.flac
run 0 bash -e block5.sh
check "only what has no marker" test ! -e stems/htdemucs/2.wav/bass.flac -a \
    -s stems/htdemucs/1.wav.done
echo missing.wav >objects.txt
run 1 bash -e block5.sh
says err 'missing.wav: failed'

run 0 bash -e block6.sh
says out 'songs an hour'
run 0 bash "$SOURCE/bench/throughput.sh" "$(dirname "$DEMUCS_ONNX")" "$MODEL" 2 1.5
check "a line a way to share the cores" test "$(wc -l <out)" = \
    "$(($(nproc) > 1 ? 4 : 2))"
check "songs an hour, a core, cost: $(tail -n 1 out)" awk 'NR > 1 {
    if ($3 <= 0 || $5 <= 0 || $6 <= 0) exit 1
    songs = $3 / ($1 * $2)  # rounded to a tenth, the cost to a hundredth
    if ((songs - $4)^2 > 1 || (1500 / songs - $8)^2 > 0.01) exit 1 }' out
run 1 bash "$SOURCE/bench/throughput.sh" "$(dirname "$DEMUCS_ONNX")" none.th

# A merge keeps each song's last line and lists failures.
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
import re
import sys
import yaml

# Every field that may be in it, as the API reference of Kubernetes 1.29 types
# it (batch/v1 Job and what it contains), as far as an example could need them.
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|[kMGT]i?)?")
PATH = re.compile(r"/[^:]*")
META = {"name": NAME, "namespace": NAME, "labels": {str: str},
        "annotations": {str: str}}
SECURITY = {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int,
            "fsGroup": int, "supplementalGroups": [int],
            "seccompProfile": {"type": re.compile("RuntimeDefault")}}
RESOURCES = {"requests": {str: QUANTITY}, "limits": {str: QUANTITY}}
CONTAINER = {
    "name": NAME, "image": str, "command": [str], "args": [str],
    "imagePullPolicy": re.compile("Always|Never|IfNotPresent"),
    "workingDir": PATH, "resources": RESOURCES,
    "securityContext": {"allowPrivilegeEscalation": bool, "privileged": bool,
                        "readOnlyRootFilesystem": bool, "runAsUser": int,
                        "runAsNonRoot": bool,
                        "capabilities": {"drop": [str], "add": [str]}},
    "env": [{"name": re.compile("[A-Za-z_][A-Za-z0-9_]*"), "value": str}],
    "volumeMounts": [{"name": NAME, "mountPath": PATH, "readOnly": bool,
                      "subPath": str}]}
POD = {
    "restartPolicy": re.compile("Never|OnFailure"), "nodeSelector": {str: str},
    "terminationGracePeriodSeconds": int, "securityContext": SECURITY,
    "serviceAccountName": NAME, "automountServiceAccountToken": bool,
    "containers": [CONTAINER], "initContainers": [CONTAINER],
    "volumes": [{"name": NAME, "emptyDir": {"sizeLimit": QUANTITY},
                 "persistentVolumeClaim": {"claimName": NAME,
                                           "readOnly": bool}}]}
RULE = {"action": re.compile("FailJob|FailIndex|Ignore|Count"),
        "onExitCodes": {"containerName": NAME, "values": [int],
                        "operator": re.compile("In|NotIn")},
        "onPodConditions": [{"type": str, "status": str}]}
JOB = {"apiVersion": re.compile("batch/v1"), "kind": re.compile("Job"),
       "metadata": META,
       "spec": {"completionMode": re.compile("Indexed|NonIndexed"),
                "completions": int, "parallelism": int, "backoffLimit": int,
                "backoffLimitPerIndex": int, "maxFailedIndexes": int,
                "activeDeadlineSeconds": int, "suspend": bool,
                "ttlSecondsAfterFinished": int,
                "podFailurePolicy": {"rules": [RULE]},
                "template": {"metadata": META, "spec": POD}}}


def conforms(value, schema, at):
    if isinstance(schema, re.Pattern):
        assert isinstance(value, str) and schema.fullmatch(value), (at, value)
    elif isinstance(schema, list):
        assert isinstance(value, list) and value, at
        for number, entry in enumerate(value):
            conforms(entry, schema[0], f"{at}[{number}]")
    elif isinstance(schema, dict):
        assert isinstance(value, dict), (at, value)
        for key, entry in value.items():
            assert key in schema or str in schema, f"{at}.{key}: no such field"
            conforms(entry, schema.get(key, schema.get(str)), f"{at}.{key}")
    else:
        assert type(value) is schema, (at, value)


job, = yaml.safe_load_all(open(sys.argv[1]))
assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
conforms(job, JOB, "Job")
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
        assert codes["values"] == sorted(set(codes["values"]))
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
    for wrong in 's/completions:/completion:/' 's/cpu: "2"/cpu: 2/' \
        's/mountPath/mountpath/' 's/values: \[1, 2\]/values: [2, 1]/' \
        's/name: separate/name: Separate/' 's/fsGroup: 10001/fsGroup: x/' \
        's/drop: .*/drop: ALL/' 's/operator: In/operator: Among/'; do
        sed "$wrong" "$SOURCE/examples/cluster/kubernetes.yaml" >wrong.yaml
        run 1 /usr/bin/python3 check.py wrong.yaml
    done
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
