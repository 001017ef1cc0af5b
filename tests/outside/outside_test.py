"""Installs the build into a temporary folder and builds answer.cpp against it, as a user would.

Why it is here: what is missing among the installed headers, or in mayhem.pc, is noticed by nobody
who builds inside the tree. It takes the place of a user's makefile: it knows pkg-config's answers
and refuses to add anything to them.

Arguments: the program and the test to build. Environment: MESON_BUILD, the build directory;
COMPILER, how to call it; MANDRILL, `built` or `left out`.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import tap

ANSWER, ANSWER_TEST = map(Path, sys.argv[1:3])
TREE = ANSWER.parent.parent.parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def output_of(command, **options):
    """Standard output of a command; its standard error is in the exception if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(map(str, command))}: exit status {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout


class OutsideTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="mayhem-outside-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        output_of(["meson", "install", "--quiet", "--no-rebuild", "-C", os.environ["MESON_BUILD"],
                   "--destdir", folder.name])
        [cls.description] = cls.folder.rglob("mayhem.pc")
        # The files lie below the folder and not where they were configured for, as in a package
        # that is being made; the description is told so.
        text = cls.description.read_text()
        prefix = re.search(r"^prefix=(.*)$", text, re.MULTILINE)[1]
        cls.prefix = cls.folder / prefix.lstrip("/")
        cls.description.write_text(text.replace(f"prefix={prefix}", f"prefix={cls.prefix}", 1))
        cls.libraries = cls.description.parent.parent

    def pkg_config(self, *arguments):
        environment = os.environ | {"PKG_CONFIG_PATH": str(self.description.parent)}
        return output_of(["pkg-config", *arguments], env=environment).split()

    def build(self, name, flags, libraries, source=ANSWER):
        program = self.folder / name
        output_of([*shlex.split(os.environ["COMPILER"]), *WARNINGS, *flags, source,
                   "-o", program, *libraries], cwd=self.folder)
        return program

    def test_the_shared_library_is_enough_for_a_program(self):
        program = self.build("shared", self.pkg_config("--cflags", "mayhem"),
                             self.pkg_config("--libs", "mayhem"))
        environment = os.environ | {"LD_LIBRARY_PATH": str(self.libraries)}
        self.assertIn("libmayhem.so.0 => " + str(self.libraries),
                      output_of(["ldd", program], env=environment))
        output_of([program], env=environment)

    def test_the_static_library_is_enough_for_a_program(self):
        libraries = ["-l:libmayhem.a" if word == "-lmayhem" else word
                     for word in self.pkg_config("--static", "--libs", "mayhem")]
        program = self.build("static", self.pkg_config("--static", "--cflags", "mayhem"), libraries)
        self.assertNotIn("mayhem", output_of(["ldd", program]).replace(str(program), ""))
        output_of([program])

    def test_the_program_in_the_readme_does_what_it_says(self):
        source = self.folder / "readme.cpp"
        text = (TREE / "README.md").read_text()
        source.write_text(re.search(r"```cpp\n(.*?)```", text, re.DOTALL)[1])
        program = self.build("readme", self.pkg_config("--cflags", "mayhem"),
                             self.pkg_config("--libs", "mayhem"), source)
        environment = os.environ | {"LD_LIBRARY_PATH": str(self.libraries)}
        self.assertEqual(output_of([program], env=environment), "25\ncancelled\n")

    def test_the_testing_kit_is_enough_for_a_test(self):
        packages = ["mayhem_testing", "gmock_main"]
        program = self.build("kit", self.pkg_config("--cflags", *packages),
                             self.pkg_config("--libs", *packages), ANSWER_TEST)
        environment = os.environ | {"LD_LIBRARY_PATH": str(self.libraries)}
        self.assertIn("answer/epoll.comes_after_an_hour_of_virtual_time",
                      output_of([program], env=environment))

    def test_every_header_of_the_library_is_installed(self):
        for layer in ("loop", "tasks"):
            here = {path.relative_to(TREE) for path in (TREE / layer).rglob("*.hpp")}
            there = self.prefix / "include" / "mayhem"
            missing = sorted(str(path) for path in here if not (there / path).exists())
            self.assertEqual(missing, [])

    @unittest.skipIf(os.environ["MANDRILL"] == "left out", "built without the service")
    def test_the_service_is_installed_and_explains_itself(self):
        self.assertIn("demo", output_of([self.prefix / "bin" / "mandrill", "--help"]))


if __name__ == "__main__":
    tap.main()
