#!/usr/bin/env python3
"""sbom.py VERSION COMPONENTS.tsv TREE: what a tarball holds, as SPDX 2.3 JSON.

COMPONENTS.tsv has a line for every file that is of others: file, name,
version, licence, where its source is. Every file of TREE is listed with its
SHA-256. The same tree gives the same bytes: the time is SOURCE_DATE_EPOCH, the
name of the document is made of its contents.
"""
import datetime
import hashlib
import json
import os
import re
import sys


def identifier(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def read_components(path):
    """name: (version, licence, where, its files)"""
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            file, name, version, licence, where = line.rstrip("\n").split("\t")
            entry = found.setdefault(name, (version, licence, where, []))
            if file != "-":
                entry[3].append(file)
    return dict(sorted(found.items()))


def digest(path, name):
    with open(path, "rb") as file:
        return hashlib.new(name, file.read()).hexdigest()


def read_files(tree):
    """Of every file: its name in the tree, SHA-1 (which SPDX 2.3 demands) and
    SHA-256."""
    for folder, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                yield (os.path.relpath(path, tree), digest(path, "sha1"),
                       digest(path, "sha256"))


def file_entry(name, sha1, sha256):
    return {
        "SPDXID": identifier("File", name),
        "fileName": "./" + name,
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": sha1},
            {"algorithm": "SHA256", "checksumValue": sha256},
        ],
        "licenseConcluded": "NOASSERTION",
        "licenseInfoInFiles": ["NOASSERTION"],
        "copyrightText": "NOASSERTION",
    }


def package_entry(name, version, licence, where):
    entry = {
        "SPDXID": identifier("Package", name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
    }
    if where:
        entry["sourceInfo"] = where
    return entry


def related(one, how, other):
    return {"spdxElementId": one, "relationshipType": how,
            "relatedSpdxElement": other}


def relations(components):
    own = identifier("Package", "demucs-onnx")
    yield related("SPDXRef-DOCUMENT", "DESCRIBES", own)
    for name, (_, _, _, files) in components.items():
        package = identifier("Package", name)
        yield related(own, "DEPENDS_ON", package)
        for file in files:
            yield related(identifier("File", file), "GENERATED_FROM", package)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    version, components, tree = sys.argv[1:]
    components = read_components(components)
    time = datetime.datetime.fromtimestamp(
        int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    packages = [package_entry("demucs-onnx", version, "MIT", "")]
    packages += [package_entry(name, *entry[:3])
                 for name, entry in components.items()]
    files = [file_entry(*file) for file in read_files(tree)]
    contents = hashlib.sha256(
        json.dumps([packages, files]).encode()).hexdigest()
    json.dump({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"demucs-onnx-{version}",
        "documentNamespace":
            f"https://spdx.org/spdxdocs/demucs-onnx-{version}-{contents}",
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: demucs-onnx-sbom-{version}"],
        },
        "packages": packages,
        "files": files,
        "relationships": list(relations(components)),
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
