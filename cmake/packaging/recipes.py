#!/usr/bin/env python3
"""Writes the Conan recipe and the vcpkg port of a released archive, as their registries want them.

    python3 cmake/packaging/recipes.py --archive ldmat-0.1.0.tar.gz --url https://.../ldmat-0.1.0.tar.gz \\
        --out build/recipes

<out>/conan is conan-center-index's folder recipes/ldmat, <out>/vcpkg vcpkg's folder ports/ldmat (and an
overlay port until it is there). Only where the sources come from is added to what stands in
cmake/packaging: the archive's address and its hash. Without --url the address is that of the file.
"""

import argparse
import hashlib
import re
import shutil
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCAL_SOURCE = re.compile(r"# begin: source\n.*?# end: source\n", re.DOTALL)


def version():
    header = (HERE.parents[1] / "include/ldmat/version.hpp").read_text(encoding="utf-8")
    return ".".join(re.findall(r"#define LDMAT_VERSION_\w+ (\d+)", header))


def write_conan(out, url, content):
    shutil.copytree(HERE / "conan", out, ignore=shutil.ignore_patterns("__pycache__"))
    (out / "all/conandata.yml").write_text(
        f'sources:\n  "{version()}":\n    url: "{url}"\n'
        f'    sha256: "{hashlib.sha256(content).hexdigest()}"\n', encoding="utf-8")


def write_vcpkg(out, url, name, content):
    shutil.copytree(HERE / "vcpkg/ports/ldmat", out)
    source = (f'vcpkg_download_distfile(ARCHIVE\n    URLS "{url}"\n    FILENAME "{name}"\n'
              f'    SHA512 {hashlib.sha512(content).hexdigest()}\n)\n'
              'vcpkg_extract_source_archive(SOURCE_PATH ARCHIVE "${ARCHIVE}")\n')
    portfile = out / "portfile.cmake"
    text, count = LOCAL_SOURCE.subn(lambda _: source, portfile.read_text(encoding="utf-8"))
    assert count == 1, "portfile.cmake: one part between '# begin: source' and '# end: source'"
    portfile.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", required=True, type=Path)
    parser.add_argument("--url")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    content = arguments.archive.read_bytes()
    url = arguments.url or arguments.archive.resolve().as_uri()
    for folder in ("conan", "vcpkg"):
        shutil.rmtree(arguments.out / folder, ignore_errors=True)
    write_conan(arguments.out / "conan", url, content)
    write_vcpkg(arguments.out / "vcpkg", url, arguments.archive.name, content)


if __name__ == "__main__":
    main()
