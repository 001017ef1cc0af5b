#!/usr/bin/env python3
"""Checks the mechanical rules of this tree, so that reviews can talk about the rest.

Why it is here: a rule that no program checks is a rule that decays. It checks what can be decided
without judgement (layering, lengths, layout, dead files); it refuses to have opinions on names or
prose. The rules are functions: tidy_rules.py reads text, tidy_compile.py runs tools on it.

Standard library only. tests/tools/tidy_test.py breaks every rule once.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # a check leaves nothing behind

import tidy_compile  # noqa: E402
import tidy_rules  # noqa: E402
from tidy_tree import Skip, Tree  # noqa: E402

RULES = {
    "include direction": tidy_rules.include_direction,
    "file length": tidy_rules.file_length,
    "line length": tidy_rules.line_length,
    "function length": tidy_rules.function_length,
    "whitespace": tidy_rules.whitespace,
    "opening comment": tidy_rules.opening_comment,
    "dead files": tidy_rules.dead_files,
    "folder README": tidy_rules.folder_readme,
    "to-do with reason": tidy_rules.to_do_with_reason,
    "forbidden words": tidy_rules.forbidden_words,
    "await in condition": tidy_rules.await_in_condition,
    "format": tidy_compile.format_as_configured,
    "headers compile alone": tidy_compile.headers_compile_alone,
}


def fix_format(tree):
    """Lets the formatter rewrite every C++ file."""
    files = [str(tree.root / file.path) for file in tree.cpp_files()]
    subprocess.run([tidy_compile.FORMATTER, "-i", *files], check=True)


def run(tree, names, tap):
    """Runs the rules called `names`; the answer is how many were broken."""
    broken = 0
    if tap:
        print(f"1..{len(names)}")
    for number, name in enumerate(names, 1):
        title = f"{number} - {name}"
        try:
            problems = sorted(RULES[name](tree))
        except Skip as reason:
            print(f"ok {title} # SKIP {reason}" if tap else f"{name}: skipped, {reason}")
            continue
        broken += bool(problems)
        if tap:
            print(("not ok " if problems else "ok ") + title)
        for path, line, text in problems:
            place = f"{path}:{line}" if line else path
            print(f"{'# ' if tap else ''}{place}: {text} [{name}]")
    return broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="the tree to check (default: the one this file is in)")
    parser.add_argument("--build", type=Path, metavar="DIR",
                        help="a build directory: its compiler and flags are used, and what passed "
                             "is remembered there (default: build, if it is there)")
    parser.add_argument("--rule", action="append", choices=RULES, metavar="NAME",
                        help="only this rule: " + ", ".join(RULES))
    parser.add_argument("--tap", action="store_true", help="one TAP test per rule, for meson")
    parser.add_argument("--fix", action="store_true", help="let the formatter rewrite files first")
    options = parser.parse_args()

    build = options.build
    if build is None and (options.root / "build" / "compile_commands.json").exists():
        build = options.root / "build"
    tree = Tree(options.root.resolve(), build.resolve() if build else None)
    if options.fix:
        if not shutil.which(tidy_compile.FORMATTER):
            sys.exit(f"{tidy_compile.FORMATTER} is missing: install the package called so")
        fix_format(tree)
    broken = run(tree, options.rule or list(RULES), options.tap)
    if not options.tap:
        print(f"{broken} rules broken" if broken else "tidy")
    # With --tap, meson reads the verdict from the lines; an exit status would count twice.
    return 0 if options.tap else int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
