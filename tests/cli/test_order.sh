# Nodes are emitted in the order of statements. C leaves the order of a call's
# arguments to the compiler, and compilers differ: two arguments that both emit
# would give files of other bytes on another machine.
source "$(dirname "$0")/helpers.sh"

cat >order.py <<'PY'
"""Prints every call with two arguments that emit; its last line is their number.

What emits is a function of something that an emitter is in."""
import re
import sys

BLANK = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\])+\'',
                   re.S)
STRUCT = re.compile(r"typedef struct \w+ \{([^}]*)\} (\w+);")
FUNCTION = re.compile(r"^[a-z][\w ]*[ *](\w+)\((const )?(?:struct )?(\w+) \*", re.M)
CALL = re.compile(r"\b(\w+)\(")


def plain(path):
    """The file without comments and texts, on the same lines."""
    text = open(path).read()
    return BLANK.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def arguments(text, at):
    """Those of the call whose parenthesis opens before `at`."""
    found, depth, start = [], 1, at
    for i in range(at, len(text)):
        c = text[i]
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 or (depth == 1 and c == ","):
            found.append(text[start:i])
            start = i + 1
        if depth == 0:
            return found
    return []


files = {path: plain(path) for path in sys.argv[1:]}
holders = {"dmx_emitter", "dmx_walk"}
for text in files.values():
    holders |= {name for body, name in STRUCT.findall(text)
                if re.search(r"\bdmx_emitter \*", body)}
emits = {name for text in files.values()
         for name, constant, kind in FUNCTION.findall(text)
         if kind in holders and not (constant and kind.startswith("dmx_"))}
calls = 0
for path, text in files.items():
    for call in CALL.finditer(text):
        if call[1] in ("DMX_DIMS", "if", "for", "while", "switch", "sizeof"):
            continue
        mine = [set(CALL.findall(a)) & emits for a in
                arguments(text, call.end())]
        calls += 1
        if sum(map(bool, mine)) > 1:
            line = text.count("\n", 0, call.start()) + 1
            print(f"{path}:{line}: {call[1]}: order of",
                  " and ".join("/".join(sorted(m)) for m in mine if m))
print(len(emits), "functions emit,", calls, "calls")
PY
found() { # FILE...
    python3 order.py "$@" >order
    check "functions and calls were found: $(tail -n 1 order)" awk 'END {
        exit !($1 > 100 && $4 > 1000) }' order
    grep -v ' functions emit, ' order
}
found "$SOURCE"/src/{onnx,usual}/*.[ch] >unordered
cat unordered
check "calls whose arguments are in no order" test ! -s unordered

# The test can fail.
cat >wrong.c <<'C'
static dmx_name wrong(dmx_emitter *e, dmx_name x)
{
    return dmx_emit_2(e, "Add", dmx_emit_1(e, "Abs", x), /* ( */
                      dmx_emit_slice(e, x, 0, 0, dmx_extent_plus(e, 1, 2)));
}
C
found wrong.c "$SOURCE"/src/{onnx,usual}/*.[ch] >unordered
check "a wrong one is seen" grep -q '^wrong.c:3: dmx_emit_2' unordered
check "once" test "$(wc -l <unordered)" = 1
finish
