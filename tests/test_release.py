#!/usr/bin/env python3
"""Tests cmake/release.py on a copy of the files that it reads."""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "cmake"))
import release as script  # noqa: E402

COPIES = sorted({name for name, _ in script.COPIES + script.SHORT_COPIES})


class ReleaseTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name in [*COPIES, script.HEADER, script.CHANGELOG, "CMakeLists.txt", "cmake/release.py"]:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / name, self.root / name)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, str(self.root / "cmake/release.py"), *arguments],
                              capture_output=True, text=True)

    def change(self, name, pattern, replacement):
        path = self.root / name
        text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        self.assertGreater(count, 0, name)
        path.write_text(text, encoding="utf-8")

    def test_the_sources_agree(self):
        result = self.run_script("check")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_every_copy_that_drifts_is_noticed(self):
        version = script.current()
        for name in COPIES:
            path = self.root / name
            original = path.read_text(encoding="utf-8")
            places = [match for prefix_of, pattern, _ in script.places(version) if prefix_of == name
                      for match in re.finditer(pattern, original, re.MULTILINE)]
            self.assertTrue(places, name)
            for place in places:
                path.write_text(original[:place.start(2)] + "7.8.9" + original[place.end(2):],
                                encoding="utf-8")
                result = self.run_script("check")
                self.assertEqual(result.returncode, 1, f"{name}: {place[0]}")
                self.assertIn(name, result.stderr)
            path.write_text(original, encoding="utf-8")

    def test_a_copy_that_is_gone_is_noticed(self):
        self.change("CITATION.cff", "^version:.*\n", "")
        result = self.run_script("check")
        self.assertEqual(result.returncode, 1)
        self.assertIn("CITATION.cff: no version", result.stderr)

    def test_a_changelog_without_the_version_is_noticed(self):
        self.change(script.CHANGELOG, r"^(## .*)\d+\.\d+\.\d+", r"\g<1>7.8.9")
        self.assertIn("CHANGELOG.md", self.run_script("check").stderr)

    def test_bump_changes_all_places(self):
        major, minor, _ = script.current().split(".")
        for how, version in (("minor", f"{major}.{int(minor) + 1}.0"), ("7.8.9", "7.8.9")):
            result = self.run_script("bump", how)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(self.run_script("check").stdout, f"{version} everywhere\n")
            self.assertIn(f'"{version}":', (self.root / "cmake/packaging/conan/config.yml").read_text())
        self.assertIn("find_package(ldmat 7.8 ", (self.root / "docs/using.md").read_text(encoding="utf-8"))

    def test_bump_only_goes_up(self):
        for how in (script.current(), "0.0.1", "next"):
            self.assertEqual(self.run_script("bump", how).returncode, 1, how)

    def test_date_dates_the_section_once(self):
        (self.root / script.CHANGELOG).write_text(
            f"# Changelog\n\n## [Unreleased]: {script.current()}\n\n## [0.0.1]: 2000-01-01\n",
            encoding="utf-8")
        self.assertEqual(self.run_script("date").returncode, 0)
        self.assertRegex((self.root / script.CHANGELOG).read_text(encoding="utf-8"),
                         rf"(?m)^## \[{re.escape(script.current())}\]: \d{{4}}-\d\d-\d\d$")
        self.assertIn("bump first", self.run_script("date").stderr)
        self.assertEqual(self.run_script("bump", "patch").returncode, 0)
        self.assertEqual(self.run_script("date").returncode, 0)


if __name__ == "__main__":
    unittest.main()
