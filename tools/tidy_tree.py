"""The files of the tree, read once, as the rules want to see them."""

import re

# Where the project's own files are. Everything else at the top level is a build directory or
# somebody's scratch file.
FOLDERS = ("loop", "tasks", "mandrill", "tests", "bench", "docs", "tools", ".ci")

# Files that are not text or not ours to judge.
IGNORED_SUFFIXES = {".png", ".svg", ".pyc", ".db", ".ico", ".woff2"}
IGNORED_FOLDERS = {"__pycache__", "node_modules"}

# What programs of the tree write beside themselves, and git ignores.
RESULTS = "bench/results"

CPP = {".cpp", ".hpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Skip(Exception):
    """Raised by a rule that cannot be checked here; the text names what is missing."""


class File:
    """One file: its path from the root, its text, and what of it is code."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.suffix = path.suffix
        self.bytes = path.read_bytes()
        self.text = self.bytes.decode("utf-8", errors="replace")
        self.lines = self.text.split("\n")

    @property
    def folder(self):
        """The top-level folder, or the empty string."""
        return self.path.split("/")[0] if "/" in self.path else ""

    @property
    def is_cpp(self):
        return self.suffix in CPP

    @property
    def is_code(self):
        """Programs, scripts and build files; not prose or data."""
        if self.suffix in CPP | {".py", ".sh", ".c"} or self.path.endswith("meson.build"):
            return True
        return self.text.startswith("#!")

    def includes(self):
        """Yields (line, '<' or '"', target) of every #include."""
        for number, line in enumerate(self.lines, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match[1], match[2]


class Tree:
    """All files below `root` that belong to the project."""

    def __init__(self, root, build=None):
        self.root = root
        self.build = build
        self.files = [File(root, path) for path in sorted(self._paths())]
        self.by_path = {file.path: file for file in self.files}

    def _paths(self):
        for path in self.root.iterdir():
            if path.is_file() and path.suffix not in IGNORED_SUFFIXES:
                yield path
        for folder in FOLDERS:
            for path in (self.root / folder).rglob("*"):
                if path.is_file() and path.suffix not in IGNORED_SUFFIXES \
                        and IGNORED_FOLDERS.isdisjoint(path.parts) \
                        and self.root / RESULTS not in path.parents:
                    yield path

    def cpp_files(self):
        return [file for file in self.files if file.is_cpp]

    def headers(self):
        return [file for file in self.files if file.suffix == ".hpp"]


def without_comments_and_strings(text):
    """The same text with comments, literals and preprocessor lines blanked, line by line.

    Lengths of lines change, their number does not.
    """
    blank = re.compile(
        r'R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"'  # raw strings
        r"|//[^\n]*"
        r"|/\*.*?\*/"
        r'|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # characters; 1'000 is a number
        r"|^[ \t]*#(?:\\\n|[^\n])*",
        re.DOTALL | re.MULTILINE)
    return blank.sub(lambda match: "\n" * match[0].count("\n"), text)
