"""tidy.py on planted defects, with the real clang-tidy; ./dev lint runs it before it trusts the check."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
CLEAN = '#include "text.hpp"\nint size_of(const text& t) { return t.size; }\n'
MOVED = """#include <string>
#include <utility>
std::string::size_type twice(std::string s) {
  const std::string taken = std::move(s);
  return taken.size() + s.size();
}
"""


class Tidy(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "src/cloudflow").mkdir(parents=True)
        (self.folder / "build").mkdir()
        self.write("text.hpp", "#pragma once\nstruct text {\n  int size = 0;\n};\n")

    def write(self, name: str, text: str) -> None:
        file = self.folder / "src/cloudflow" / name
        file.write_text(text)
        if name.endswith(".cpp"):
            entry = {"directory": str(self.folder), "file": str(file), "command": f"clang++-16 -std=c++20 -c {file}"}
            (self.folder / "build/compile_commands.json").write_text(json.dumps([entry]))

    def run_tidy(self) -> tuple[int, str]:
        run = subprocess.run([sys.executable, str(HERE / "tidy.py"), "--build", str(self.folder / "build")],
                             capture_output=True, text=True, env=os.environ | {"XDG_CACHE_HOME": str(self.folder / "cache")})
        return run.returncode, run.stdout

    def test_a_planted_defect_is_found_each_time(self):
        self.write("twice.cpp", MOVED)
        for _ in range(2):
            code, text = self.run_tidy()
            self.assertEqual(code, 1)
            self.assertIn("bugprone-use-after-move", text)

    def test_a_name_of_another_style_is_found(self):
        self.write("names.cpp", CLEAN.replace("size_of", "sizeOf"))
        self.assertIn("readability-identifier-naming", self.run_tidy()[1])

    def test_a_clean_file_is_remembered_until_a_header_below_it_changes(self):
        self.write("size.cpp", CLEAN)
        self.assertEqual(self.run_tidy()[0], 0)
        self.assertIn("1 known to be clean", self.run_tidy()[1])
        self.write("text.hpp", "#pragma once\nstruct Text {\n  int size = 0;\n};\nusing text = Text;\n")
        code, text = self.run_tidy()
        self.assertEqual(code, 1)
        self.assertIn("invalid case style for struct 'Text'", text)


if __name__ == "__main__":
    unittest.main()
