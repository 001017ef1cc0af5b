"""Breaks every rule of tools/tidy.py once, in a small tree of its own, and expects to be told.

A rule that finds nothing in this repository proves nothing: it might be blind.
"""

import shutil
import tempfile
import unittest
from pathlib import Path

import tap
import tidy
import tidy_compile
from tidy_tree import Tree

README = "# A folder\n\n" + "What it is for, in which order to read it, what always holds.\n" * 3

CLEAN = {
    ".clang-format": "BasedOnStyle: Google\nIndentWidth: 4\nColumnLimit: 100\n",
    "README.md": README,
    "meson.build": "# The project.\n",
    "loop/README.md": README,
    "loop/meson.build": "# The loop.\nfiles('a.cpp', 'a.hpp')\n",
    "loop/a.hpp": "// What it is.\n#pragma once\n\nint a(int x);\n",
    "loop/a.cpp": '// Its bodies.\n#include "loop/a.hpp"\n\nint a(int x) { return x; }\n',
    "tasks/README.md": README,
    "tasks/meson.build": "# The tasks.\nfiles('b.cpp', 'b.hpp')\n",
    "tasks/b.hpp": '// What it is.\n#pragma once\n\n#include "loop/a.hpp"\n\nint b(int x);\n',
    "tasks/b.cpp": '// Its bodies.\n#include "tasks/b.hpp"\n\nint b(int x) { return a(x); }\n',
    "tests/README.md": README,
}

# Much that looks like a long function and is not, and one that is a function of three lines.
NO_LONG_FUNCTION = """// Not functions.
namespace x {{
struct point : base<int(int)> {{
    point() : a_{{1}}, b_{{2}} {{
        go();
    }}
{members}
}};
const int table[] = {{
{elements}
}};
template <class T>
T twice(T value) {{
    return value + 1'000;  // {{{{
}}
}}  // namespace x
"""


class TidyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidy test ")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for path, text in CLEAN.items():
            self.write(path, text)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            target.write_bytes(text)
        else:
            target.write_text(text, encoding="utf-8")

    def broken(self, rule):
        """The files of which `rule` complains."""
        return [path for path, _, _ in tidy.RULES[rule](Tree(self.root))]

    def test_what_benchmarks_wrote_is_nobodys_business(self):
        self.write("bench/README.md", README)
        self.write("bench/results/report.md", "a tab\tand no newline")
        self.write("bench/resultsets.md", "a tab\tand no newline\n")
        self.expect_only("whitespace", "bench/resultsets.md")
        self.assertEqual(self.broken("folder README"), [])

    def expect_only(self, rule, path):
        self.assertEqual(set(self.broken(rule)), {path})

    def test_a_clean_tree_breaks_no_rule(self):
        for rule in tidy.RULES:
            if rule == "format" and not shutil.which(tidy_compile.FORMATTER):
                continue
            self.assertEqual(self.broken(rule), [], rule)

    def test_loop_including_tasks_is_told(self):
        self.write("loop/a.cpp", '// x\n#include "tasks/b.hpp"\n')
        self.expect_only("include direction", "loop/a.cpp")

    def test_tasks_including_mandrill_is_told(self):
        self.write("mandrill/c.hpp", "// x\n#pragma once\n")
        self.write("tasks/b.cpp", '// x\n#include "mandrill/c.hpp"\n')
        self.expect_only("include direction", "tasks/b.cpp")

    def test_including_tests_is_told(self):
        self.write("tests/d.hpp", "// x\n#pragma once\n")
        self.write("tasks/b.cpp", '// x\n#include "tests/d.hpp"\n')
        self.expect_only("include direction", "tasks/b.cpp")

    def test_an_include_not_from_the_root_is_told(self):
        self.write("loop/a.cpp", '// x\n#include "a.hpp"\n')
        self.expect_only("include direction", "loop/a.cpp")

    def test_own_files_in_angle_brackets_are_told(self):
        self.write("loop/a.cpp", "// x\n#include <loop/a.hpp>\n")
        self.expect_only("include direction", "loop/a.cpp")

    def test_a_long_file_is_told(self):
        self.write("loop/a.cpp", "// x\n" + "int x;\n" * 400)
        self.expect_only("file length", "loop/a.cpp")

    def test_a_long_file_with_a_reason_is_allowed(self):
        self.write("loop/a.cpp", "// Over 400 lines because of x.\n" + "int x;\n" * 400)
        self.assertEqual(self.broken("file length"), [])

    def test_a_long_line_is_told(self):
        self.write("loop/a.cpp", "// " + "x" * 98 + "\n")
        self.expect_only("line length", "loop/a.cpp")

    def test_a_long_function_is_told(self):
        self.write("loop/a.cpp", "// x\nint a(int x) {\n" + "    ++x;\n" * 69 + "}\n")
        self.expect_only("function length", "loop/a.cpp")

    def test_a_function_of_seventy_lines_is_allowed(self):
        self.write("loop/a.cpp", "// x\nint a(int x) {\n" + "    ++x;\n" * 68 + "}\n")
        self.assertEqual(self.broken("function length"), [])

    def test_a_long_constructor_body_is_told(self):
        self.write("loop/a.cpp",
                   "// x\nfoo::foo(int b) : a_{1}, b_{b} {\n" + "    ++b;\n" * 70 + "}\n")
        self.expect_only("function length", "loop/a.cpp")

    def test_a_long_member_function_after_an_access_label_is_told(self):
        self.write("loop/a.cpp", "// x\nclass a {\n  public:\n    template <class T>\n    int f() "
                                 "const noexcept {\n" + "    ++x;\n" * 70 + "}\n};\n")
        self.expect_only("function length", "loop/a.cpp")

    def test_long_tables_and_classes_are_no_functions(self):
        self.write("loop/a.cpp", NO_LONG_FUNCTION.format(members="    int m(int);\n" * 80,
                                                         elements="    f(1),\n" * 80))
        self.assertEqual(self.broken("function length"), [])

    def test_a_long_python_function_is_told(self):
        self.write("tools/x.py", "# x\ndef f():\n" + "    g()\n" * 70)
        self.expect_only("function length", "tools/x.py")

    def test_space_tab_carriage_return_and_a_missing_newline_are_told(self):
        for text in ("// x \n", "// x\n\tint y;\n", b"// x\r\n", "// x", "// x\n\n", b"// \xff\n"):
            self.write("loop/a.cpp", text)
            self.expect_only("whitespace", "loop/a.cpp")

    def test_a_file_without_an_opening_comment_is_told(self):
        self.write("loop/c.cpp", '#include "loop/a.hpp"\n')
        self.expect_only("opening comment", "loop/c.cpp")

    def test_a_header_without_an_opening_comment_is_told(self):
        self.write("loop/a.hpp", "#pragma once\n\nint a(int x);\n")
        self.expect_only("opening comment", "loop/a.hpp")

    def test_a_source_may_leave_the_opening_to_its_header(self):
        self.write("loop/a.cpp", '#include "loop/a.hpp"\n')
        self.assertEqual(self.broken("opening comment"), [])

    def test_a_header_without_pragma_once_is_told(self):
        self.write("loop/a.hpp", "// x\nint a(int x);\n")
        self.expect_only("opening comment", "loop/a.hpp")

    def test_a_source_that_no_build_file_lists_is_told(self):
        self.write("loop/meson.build", "# x\nfiles('a.hpp')\n")
        self.expect_only("dead files", "loop/a.cpp")

    def test_a_header_that_nobody_includes_is_told(self):
        self.write("tasks/meson.build", "# x\nfiles('b.cpp', 'b.hpp', 'c.hpp')\n")
        self.write("tasks/c.hpp", "// x\n#pragma once\n")
        self.expect_only("dead files", "tasks/c.hpp")

    def test_a_folder_without_a_readme_is_told(self):
        (self.root / "loop" / "README.md").unlink()
        self.expect_only("folder README", "loop/README.md")

    def test_an_empty_readme_is_told(self):
        self.write("loop/README.md", "# loop\n")
        self.expect_only("folder README", "loop/README.md")

    def test_a_to_do_without_a_reason_is_told(self):
        self.write("loop/a.cpp", "// TO" + "DO: more\n")
        self.expect_only("to-do with reason", "loop/a.cpp")

    def test_a_to_do_with_a_reason_is_allowed(self):
        self.write("loop/a.cpp", "// TO" + "DO: more, because the kernel may learn it\n")
        self.assertEqual(self.broken("to-do with reason"), [])

    def test_an_await_in_a_condition_is_told(self):
        for code in ("if (co_await f()) g();", "while (!(co_await f()).done) g();",
                     "for (; co_await f();) g();"):
            self.write("loop/a.cpp", '// Its bodies.\n#include "loop/a.hpp"\n\n' + code + "\n")
            self.expect_only("await in condition", "loop/a.cpp")

    def test_forbidden_words_are_told(self):
        for words in ("using namespace std" + ";", "std::end" + "l", "#if " + "0",
                      "<" * 7 + " HEAD", "// see /ho" + "me/me/notes", "// iss" + "ue 12"):
            self.write("loop/a.cpp", f"// x\n{words}\n")
            self.expect_only("forbidden words", "loop/a.cpp")

    def test_disabled_and_sleeping_tests_are_told(self):
        for words in ("TEST(a, DIS" + "ABLED_b) {}", "std::this_thread::sleep" + "_for(x);"):
            self.write("tests/a_test.cpp", f"// x\n{words}\n")
            self.expect_only("forbidden words", "tests/a_test.cpp")

    @unittest.skipUnless(shutil.which(tidy_compile.FORMATTER), "the formatter is missing")
    def test_another_layout_is_told(self):
        self.write("loop/a.cpp", "// x\nint  a(int x){return x;}\n")
        self.expect_only("format", "loop/a.cpp")

    def test_a_header_that_needs_another_one_before_it_is_told(self):
        self.write("tasks/b.hpp", "// x\n#pragma once\n\ninline int b(int x) { return a(x); }\n")
        self.write("tasks/b.cpp", '// x\n#include "loop/a.hpp"\n#include "tasks/b.hpp"\n')
        self.expect_only("headers compile alone", "tasks/b.hpp")

    def test_a_header_that_its_source_includes_first_is_left_to_the_build(self):
        self.write("tasks/b.hpp", "// x\n#pragma once\n\ninline int b(int x) { return a(x); }\n")
        self.assertEqual(self.broken("headers compile alone"), [])
        self.write("tasks/meson.build", "# x\nfiles('b.hpp')\n")  # but not if it is not built
        self.expect_only("headers compile alone", "tasks/b.hpp")

    def test_what_passed_is_asked_again_when_an_included_header_changes(self):
        (self.root / "loop" / "a.cpp").unlink()
        (self.root / "tasks" / "b.cpp").unlink()
        build = self.root / "build"
        build.mkdir()
        rule = tidy.RULES["headers compile alone"]
        self.assertEqual(list(rule(Tree(self.root, build))), [])
        self.write("loop/a.hpp", "// x\n#pragma once\n\nint a(nonsense x);\n")
        broken = {path for path, _, _ in rule(Tree(self.root, build))}
        self.assertEqual(broken, {"loop/a.hpp", "tasks/b.hpp"})


if __name__ == "__main__":
    tap.main()
