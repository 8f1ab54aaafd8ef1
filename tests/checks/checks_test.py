"""The checks of ./dev lint against a small repository with one planted break each (a check that cannot fail is none),
and what every command of ./dev has to do."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parents[1] / "tools"))

import layers  # noqa: E402
import modules  # noqa: E402
import test_summary  # noqa: E402

CLEAN = {
    "base/CMakeLists.txt": "cloudflow_module(base SOURCES text.cpp PUBLIC fmt::fmt PRIVATE spdlog::spdlog)",
    "base/README.md": "# base",
    "base/text.hpp": "#pragma once\n#include <vector>\n",
    "base/text.cpp": '#include "cloudflow/base/text.hpp"\n#include <spdlog/spdlog.h>\n',
    "config/CMakeLists.txt": "cloudflow_module(config SOURCES value.cpp PUBLIC cloudflow::base)",
    "config/README.md": "# config",
    "config/value.hpp": '#pragma once\n#include "cloudflow/base/text.hpp"\n#include <fmt/core.h>\n',
    "config/value.cpp": '#include "cloudflow/config/value.hpp"\n#include <sys/stat.h>\n#include <unistd.h>\n',
    "pubsub/CMakeLists.txt": "cloudflow_module(pubsub\n  SOURCES topic.cpp\n  PUBLIC cloudflow::config) # config brings base",
    "pubsub/README.md": "# pubsub",
    "pubsub/topic.hpp": '#pragma once\n#include "cloudflow/base/text.hpp"\n',
    "pubsub/topic.cpp": "",
    "pubsub/embedded/CMakeLists.txt": "cloudflow_module(pubsub_embedded SOURCES log.cpp PUBLIC cloudflow::pubsub)",
    "pubsub/embedded/README.md": "# pubsub/embedded",
    "pubsub/embedded/log.hpp": '#pragma once\n#include "cloudflow/pubsub/topic.hpp"\n',
    "pubsub/embedded/log.cpp": '#include "cloudflow/pubsub/embedded/internal/rows.hpp"\n#include <rocksdb/db.h>\n',
    "pubsub/embedded/internal/rows.hpp": "#pragma once\n",
    "runtime/CMakeLists.txt": "cloudflow_module(runtime PUBLIC cloudflow::pubsub TEST_LIBS cloudflow::pubsub_embedded)",
    "runtime/README.md": "# runtime",
    "runtime/task.hpp": '#pragma once\n#include "cloudflow/pubsub/topic.hpp"\n',
    "runtime/task.test.cpp": '#include "cloudflow/pubsub/embedded/log.hpp"\n#include <gtest/gtest.h>\n',
}


class Repository(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.write("tests/checks/layers.toml", (HERE / "layers.toml").read_text())
        for path, text in CLEAN.items():
            self.write(f"src/cloudflow/{path}", text)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def expect(self, check, planted: dict[str, str], *wanted: str) -> None:
        """Exactly one problem for each of `wanted`, which it contains."""
        for path, text in planted.items():
            self.write(f"src/cloudflow/{path}", text)
        found = check(self.root)
        self.assertEqual(len(found), len(wanted), found)
        for text, problem in zip(wanted, found):
            self.assertIn(text, problem)


class LayersCheck(Repository):
    def test_a_repository_that_keeps_to_the_layers_passes(self):
        self.expect(layers.check, {})

    def test_an_include_upwards_is_found_with_its_line(self):
        self.expect(layers.check, {"base/text.hpp": '#pragma once\n#include "cloudflow/config/value.hpp"\n'},
                    "src/cloudflow/base/text.hpp:2: base may not include cloudflow/config/value.hpp: config is no lower layer")

    def test_an_include_sideways_is_found(self):
        self.expect(layers.check, {
            "flow/CMakeLists.txt": "cloudflow_module(flow PUBLIC cloudflow::base)",
            "codegen/CMakeLists.txt": "cloudflow_module(codegen PUBLIC cloudflow::base)",
            "codegen/writer.hpp": '#include "cloudflow/flow/stream.hpp"\n'}, "codegen may not include cloudflow/flow/stream.hpp")

    def test_a_test_may_not_look_upwards_either(self):
        self.expect(layers.check, {"base/text.test.cpp": '#include "cloudflow/config/value.hpp"\n'}, "base may not include")

    def test_angle_brackets_and_spaces_hide_nothing(self):
        self.expect(layers.check, {"base/text.hpp": "  #  include <cloudflow/config/value.hpp>\n"}, "base may not include")

    def test_an_include_that_cmake_does_not_declare_is_found(self):
        self.expect(layers.check, {"config/CMakeLists.txt": "cloudflow_module(config SOURCES value.cpp PUBLIC fmt::fmt)",
                                   "pubsub/topic.hpp": ""},
                    "value.hpp:2: config includes cloudflow/base/text.hpp but its CMakeLists.txt does not name cloudflow::base")

    def test_a_library_of_the_tests_does_not_count_for_the_sources(self):
        self.expect(layers.check, {"config/CMakeLists.txt": "cloudflow_module(config SOURCES value.cpp TEST_LIBS cloudflow::base)",
                                   "pubsub/topic.hpp": ""}, "does not name cloudflow::base")

    def test_a_declared_library_above_is_found(self):
        self.expect(layers.check, {"base/CMakeLists.txt": "cloudflow_module(base SOURCES text.cpp TEST_LIBS cloudflow::config)"},
                    "base/CMakeLists.txt:1: base may not link config")

    def test_a_backend_is_named_only_where_programs_are_put_together(self):
        self.expect(layers.check, {
            "runtime/CMakeLists.txt": "cloudflow_module(runtime PUBLIC cloudflow::pubsub cloudflow::pubsub_embedded)",
            "runtime/task.hpp": '#include "cloudflow/pubsub/embedded/log.hpp"\n'},
            "runtime may not name the backend pubsub/embedded", "runtime may not name the backend pubsub/embedded")

    def test_a_third_party_header_outside_its_wrapper_is_found(self):
        self.expect(layers.check, {"pubsub/topic.cpp": "#include <rocksdb/db.h>\n"},
                    "pubsub may not include <rocksdb/db.h>; its wrapper is in pubsub/embedded")

    def test_a_third_party_header_that_nobody_decided_on_is_refused(self):
        self.expect(layers.check, {"config/value.cpp": "#include <zmq.h>\n#include <yaml.h>\n"},
                    "<zmq.h> is not in", "<yaml.h> is not in")

    def test_a_suite_that_tests_share_counts_as_a_test(self):
        self.expect(layers.check, {"pubsub/conformance.hpp": "#include <gtest/gtest.h>\n",
                                   "pubsub/topic.hpp": "#include <gtest/gtest.h>\n"}, "topic.hpp:1: <gtest/gtest.h> is not in")

    def test_a_module_without_a_layer_is_refused(self):
        self.expect(layers.check, {"extra/CMakeLists.txt": "cloudflow_module(extra)", "extra/thing.hpp": ""},
                    "module extra has no layer", "belongs to no module")

    def test_a_module_with_another_name_than_its_folder_is_found(self):
        self.expect(layers.check, {"pubsub/embedded/CMakeLists.txt": "cloudflow_module(embedded PUBLIC cloudflow::pubsub)"},
                    "expected pubsub_embedded")


class ModulesCheck(Repository):
    def test_a_repository_in_good_form_passes(self):
        self.expect(modules.check, {})

    def test_a_module_without_readme_is_found(self):
        (self.root / "src/cloudflow/config/README.md").unlink()
        self.expect(modules.check, {}, "src/cloudflow/config:1: a module has a README.md")

    def test_an_internal_header_in_a_public_one_is_found(self):
        self.expect(modules.check, {"pubsub/embedded/log.hpp": '#pragma once\n#include "cloudflow/pubsub/embedded/internal/rows.hpp"\n'},
                    "log.hpp:2: cloudflow/pubsub/embedded/internal/rows.hpp is for .cpp files only")

    def test_a_header_without_pragma_once_is_found(self):
        self.expect(modules.check, {"base/text.hpp": "#ifndef X\n"}, "base/text.hpp:1: a header has #pragma once")

    def test_a_file_too_long_is_found(self):
        self.expect(modules.check, {"base/text.cpp": "\n" * 601}, "base/text.cpp:600: has 601 lines")

    def test_a_line_of_code_or_comment_may_have_100_columns_and_a_raw_string_more(self):
        self.expect(modules.check, {"base/text.cpp": "// " + "x" * 97 + '\nf(R"(' + "y" * 200 + '\n)");\n'})
        self.expect(modules.check, {"base/text.cpp": "\n// " + "x" * 98}, "base/text.cpp:2: has 101 columns")

    def test_a_source_that_is_never_built_is_found(self):
        self.expect(modules.check, {"config/values.cpp": ""}, "config/values.cpp:1: is in no CMakeLists.txt")


class DevCommand(unittest.TestCase):
    COMMANDS = ("setup", "build", "demo", "test", "bench", "soak", "lint", "format", "coverage")

    def run_dev(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([HERE.parents[1] / "dev", *arguments], capture_output=True, text=True,
                              env=os.environ | {"CLOUDFLOW_NO_SETUP": "1"})

    def test_an_unknown_command_is_refused_with_the_list(self):
        run = self.run_dev("biuld")
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertIn('there is no command "biuld"', run.stderr)
        for command in self.COMMANDS:
            self.assertRegex(run.stderr, rf"(?m)^  {command} +\S")

    def test_every_command_explains_itself(self):
        for command in self.COMMANDS:
            run = self.run_dev(command, "--help")
            self.assertEqual(run.returncode, 0, command)
            self.assertTrue(run.stdout.startswith(f"usage: ./dev {command}"), run.stdout)

    def test_an_unknown_option_is_refused_and_points_to_the_help(self):
        for command in ("setup", "build", "test", "bench", "soak", "lint", "format", "coverage"):
            run = self.run_dev(command, "--nonsense")
            self.assertEqual(run.returncode, 2, command)
            self.assertIn(f"See ./dev {command} --help", run.stderr)


class TestSummary(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def results(self, phase: str, *statuses: str) -> None:
        cases = "".join(f'<testcase name="t{i}" time="0.1" status="{s}"/>' for i, s in enumerate(statuses))
        (self.folder / f"{phase}.xml").write_text(f"<testsuite>{cases}</testsuite>")

    def outcome(self, *phases: str, ci: str = "") -> int:
        with unittest.mock.patch.dict("os.environ", {"CI": ci}), unittest.mock.patch("builtins.print"):
            return test_summary.main(self.folder, list(phases))

    def test_all_passed_is_success(self):
        self.results("unit", "run", "run")
        self.assertEqual(self.outcome("unit"), 0)

    def test_a_failure_fails(self):
        self.results("unit", "run", "fail")
        self.assertEqual(self.outcome("unit"), 1)

    def test_a_phase_that_did_not_run_fails(self):
        self.results("unit", "run")
        self.assertEqual(self.outcome("unit", "tsan"), 1)

    def test_a_phase_without_tests_fails(self):
        self.results("unit")
        self.assertEqual(self.outcome("unit"), 1)

    def test_a_skipped_test_fails_in_ci_only(self):
        self.results("unit", "run", "notrun")
        self.assertEqual(self.outcome("unit"), 0)
        self.assertEqual(self.outcome("unit", ci="true"), 1)


if __name__ == "__main__":
    unittest.main()
