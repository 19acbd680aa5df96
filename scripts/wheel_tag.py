#!/usr/bin/env python3
"""wheel_tag.py LIBRARY...: the platform tag for these libraries.

manylinux_2_N_ARCH (PEP 600) when they need nothing but each other and what every
Linux with glibc 2.N has: N is the newest symbol version of glibc among them, or
that of the distributions whose C++ run time was new enough first. Else
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
# What the GCC of the first distributions with glibc 2.N had: CentOS 7 (GCC
# 4.8), Debian 9 (6), Debian 10 and RHEL 8 (8), Debian 11 (10), RHEL 9 (11),
# Ubuntu 22.04 and Debian 12 (12). Versions of symbols: libstdc++'s manual,
# "ABI Policy and Guidelines".
NEWEST = "GLIBCXX", "CXXABI", "GCC"
RUNTIMES = (
    (17, (3, 4, 19), (1, 3, 7), (4, 8, 0)),
    (24, (3, 4, 22), (1, 3, 10), (4, 8, 0)),
    (28, (3, 4, 25), (1, 3, 11), (7, 0, 0)),
    (31, (3, 4, 28), (1, 3, 12), (7, 0, 0)),
    (34, (3, 4, 29), (1, 3, 13), (7, 0, 0)),
    (35, (3, 4, 30), (1, 3, 13), (12, 0, 0)),
)


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
    if runtime(path) is None:
        have = versions(path)
        yield f"{path} needs a C++ run time newer than is known here: " + \
            ", ".join(f"{n} {'.'.join(map(str, have[n]))}"
                      for n in NEWEST if n in have)


def runtime(path):
    """The N of the oldest glibc whose distributions had such a C++ run time."""
    have = versions(path)
    for minor, *limits in RUNTIMES:
        if all(have.get(name, ()) <= limit
               for name, limit in zip(NEWEST, limits)):
            return minor
    return None


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
    if found:
        print(f"linux_{kind}")
        return
    newest = max(max(versions(p).get("GLIBC", (2, 17))[1], runtime(p))
                 for p in paths)
    print(f"manylinux_2_{newest}_{kind}")


if __name__ == "__main__":
    main()
