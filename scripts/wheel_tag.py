#!/usr/bin/env python3
"""wheel_tag.py LIBRARY...: the platform tag that these libraries deserve.

manylinux_2_N_ARCH (PEP 600) when they need nothing but what every Linux with
glibc 2.N has: then N is the newest symbol version of glibc among them. Else
linux_ARCH, with the reason on standard error: such a wheel is for this system
and those like it, and no index takes it.
"""
import re
import subprocess
import sys

# The libraries that PEP 599 and PEP 600 allow a wheel to expect, as far as
# they are parts of glibc or of GCC's run time.
EVERYWHERE = {
    "libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0",
    "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
}
# GLIBCXX and CXXABI of the GCC that distributions with glibc 2.N had.
CXX = {"GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)}


def read(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def architecture(path):
    machine = re.search(r"Machine:\s+(.*)", read("-h", path)).group(1)
    known = {"X86-64": "x86_64", "AArch64": "aarch64"}
    for word, name in known.items():
        if word in machine:
            return name
    sys.exit(f"{path}: wheels are made for x86-64 and aarch64, not {machine}")


def needed(path):
    return set(re.findall(r"NEEDED.*\[(.*?)\]", read("-d", path)))


def versions(path):
    text = read("-V", path)
    found = {}
    for name, number in re.findall(r"\b(GLIBC|GLIBCXX|CXXABI|GCC)_([\d.]+)",
                                   text):
        value = tuple(int(p) for p in number.split("."))
        found[name] = max(found.get(name, ()), value)
    return found


def problems(path):
    inside = {p.rsplit("/", 1)[-1] for p in sys.argv[1:]}
    for library in sorted(needed(path) - EVERYWHERE - inside):
        yield f"{path} needs {library}"
    for name, newest in CXX.items():
        have = versions(path).get(name, ())
        if have > newest:
            yield f"{path} needs {name}_{'.'.join(map(str, have))}"


def main():
    paths = sys.argv[1:]
    if not paths:
        sys.exit(__doc__)
    kinds = {architecture(p) for p in paths}
    if len(kinds) > 1:
        sys.exit("the libraries are of several architectures")
    kind = kinds.pop()
    found = [p for path in paths for p in problems(path)]
    for line in found:
        print(f"not manylinux: {line}", file=sys.stderr)
    newest = max(versions(p).get("GLIBC", (2, 17)) for p in paths)
    print(f"linux_{kind}" if found else
          f"manylinux_2_{max(newest[1], 17)}_{kind}")


if __name__ == "__main__":
    main()
