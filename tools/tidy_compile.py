"""The rules of tidy.py that run a compiler or the formatter on every file.

They are slow the first time, and what passed is remembered by a hash of everything that the answer
depends on, so that a second run only looks at what changed. Only success is remembered.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tidy_rules import is_listed
from tidy_tree import Skip

FORMATTER = "clang-format-19"
MESSAGE_LINES_MAX = 4


class Remembered:
    """What passed in earlier runs: one empty file per hash, in the build directory."""

    def __init__(self, tree):
        self.folder = tree.build / "tidy-passed" if tree.build else None
        if self.folder:
            self.folder.mkdir(exist_ok=True)

    def __contains__(self, key):
        return self.folder is not None and (self.folder / key).exists()

    def add(self, key):
        if self.folder:
            (self.folder / key).touch()


def hash_of(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def check_all(tree, files, key_of, problem_of):
    """Asks problem_of(file) on all processors, for the files whose key is not remembered."""
    remembered = Remembered(tree)
    todo = [(file, key) for file in files if (key := key_of(file)) not in remembered]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        problems = threads.map(lambda entry: problem_of(entry[0]), todo)
        for (file, key), problem in zip(todo, problems):
            if problem:
                yield file.path, 0, problem
            else:
                remembered.add(key)


def format_as_configured(tree):
    if not shutil.which(FORMATTER):
        raise Skip(f"{FORMATTER} is missing: apt-get install {FORMATTER}")
    style = tree.by_path.get(".clang-format")
    if style is None:
        return [(".clang-format", 0, "is missing")]

    def problem_of(file):
        answer = subprocess.run([FORMATTER, "--dry-run", "-Werror", str(tree.root / file.path)],
                                capture_output=True, check=False)
        return f"run {FORMATTER} -i on it" if answer.returncode else None

    return check_all(tree, tree.cpp_files(),
                     lambda file: hash_of("format", style.text, file.path, file.bytes), problem_of)


def compiler_command(tree):
    """The compiler and flags of the build, without what belongs to one file or to warnings."""
    command = ["g++", "--std=c++23"]
    commands = tree.build / "compile_commands.json" if tree.build else None
    if commands and commands.exists():
        entries = [(entry["directory"], shlex.split(entry["command"]))
                   for entry in json.loads(commands.read_text())]
        if entries:
            words = entries[0][1]
            command = words[:2 if os.path.basename(words[0]) == "ccache" else 1]
        for directory, words in entries:
            for position, word in enumerate(words):
                if word.startswith("-I"):
                    word = "-I" + os.path.join(directory, word[2:])
                elif word.startswith("-isystem") and len(word) > 8:
                    word = "-isystem" + os.path.join(directory, word[8:])
                elif word == "-isystem":
                    word = "-isystem" + os.path.join(directory, words[position + 1])
                elif not word.startswith(("-std=", "--std=", "-D", "-pthread")):
                    continue
                if word not in command:
                    command.append(word)
    return [*command, "-fsyntax-only", f"-I{tree.root}", "-x", "c++", "-"]


def with_all_includes(tree, file):
    """The project's files that compiling `file` reads, itself included."""
    found = {file.path: file}
    waiting = [file]
    while waiting:
        for _, bracket, target in waiting.pop().includes():
            if bracket == '"' and target in tree.by_path and target not in found:
                found[target] = tree.by_path[target]
                waiting.append(found[target])
    return [found[path] for path in sorted(found)]


def is_first_in_its_source(tree, header):
    """Whether a source of the same name begins with it: then every build compiles it alone."""
    source = tree.by_path.get(header.path[:-4] + ".cpp")
    first = next(source.includes(), None) if source and is_listed(tree, source.path) else None
    return first is not None and first[1:] == ('"', header.path)


def headers_compile_alone(tree):
    headers = [header for header in tree.headers() if not is_first_in_its_source(tree, header)]
    command = compiler_command(tree)
    compiler = command[1] if os.path.basename(command[0]) == "ccache" else command[0]
    if not shutil.which(compiler):
        raise Skip(f"{compiler} is missing")
    version = subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout

    def key_of(file):
        return hash_of("alone", version, " ".join(command), file.path,
                       *(other.bytes for other in with_all_includes(tree, file)))

    def problem_of(file):
        answer = subprocess.run(command, input=f'#include "{file.path}"\n', capture_output=True,
                                text=True, check=False)
        if answer.returncode == 0:
            return None
        lines = [line for line in answer.stderr.splitlines() if "error:" in line] \
            or answer.stderr.splitlines()
        return "does not compile alone: " + " | ".join(lines[:MESSAGE_LINES_MAX])

    return check_all(tree, headers, key_of, problem_of)
