"""The rules of tidy.py that read text: each yields (path, line, what is wrong)."""

import ast
import re
from pathlib import PurePosixPath

from tidy_tree import without_comments_and_strings

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

# Who may include whom. Dependencies point down: mandrill -> tasks -> loop.
MAY_INCLUDE = {
    "loop": {"loop"},
    "tasks": {"loop", "tasks"},
    "mandrill": {"loop", "tasks", "mandrill"},
    "bench": {"loop", "tasks", "mandrill", "bench"},
    "docs": {"loop", "tasks", "mandrill", "docs"},
    "tests": {"loop", "tasks", "mandrill", "tests", "bench"},
}

# What must not appear, where (a prefix of the path), and why. The patterns are written so that they
# do not find themselves.
FORBIDDEN = [
    (r"using namespace std[;]", "", "name what is used; only the literals' namespaces are opened"),
    (r"std::end[l]\b", "", "flushes at every line; write a newline"),
    (r"[D]ISABLED_", "tests/", "no disabled tests: repair it or remove it"),
    (r"this_thread::sleep[_]|\b(?:u|nano)sleep[(]", "tests/",
     "tests never really sleep; wait for what should happen"),
    (r"^\s*#\s*if [0]\b", "", "no commented-out code: the history keeps it"),
    (r"^(<{7}|>{7}) ", "", "a conflict of a merge was left behind"),
    (r"(?<![\w./])/(?:home|Users|root|work)/\w", "", "a path of one machine"),
    (r"\b[Ii]ssue #?\d", "", "say what it is about: the tree speaks for itself, without a tracker"),
]


def include_direction(tree):
    for file in tree.cpp_files():
        for line, bracket, target in file.includes():
            first = target.split("/")[0]
            if bracket == "<":
                is_own = first in MAY_INCLUDE and "/" in target
                if is_own and not file.path.startswith("tests/outside/"):
                    yield file.path, line, f'the project\'s own files are written "{target}"'
            elif target not in tree.by_path:
                yield file.path, line, f'"{target}" does not exist (paths start at the root)'
            elif first not in MAY_INCLUDE.get(file.folder, {first}):
                yield file.path, line, f"{file.folder}/ must not include {first}/"


def file_length(tree):
    excuse = f"Over {FILE_LINES_MAX} lines because "
    for file in tree.files:
        length = file.text.count("\n")
        if file.is_code and length > FILE_LINES_MAX:
            if not any(excuse in line for line in file.lines[:20]):
                yield file.path, 0, f"{length} lines; split it, or write at its top `{excuse}...`"


def line_length(tree):
    for file in tree.files:
        if not file.is_code:
            continue
        for number, line in enumerate(file.lines, 1):
            if len(line) > COLUMNS_MAX:
                yield file.path, number, f"{len(line)} columns, {COLUMNS_MAX} at most"


def matching_brace(code, begin):
    """The position of the brace that closes the one at `begin`; the end if there is none."""
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, begin):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.start()
    return len(code)


def without_template_header(head):
    """Drops `template <...>` from the beginning, so that its `class` is not taken for one."""
    head = head.lstrip()
    while head.startswith("template"):
        depth = 0
        for position, character in enumerate(head):
            depth += {"<": 1, ">": -1}.get(character, 0)
            if character == ">" and depth == 0:
                head = head[position + 1:].lstrip()
                break
        else:
            return ""
    return head


def cpp_functions(text):
    """Yields (first line, last line) of outermost functions. A heuristic: it follows braces.

    A brace opens a scope to look into (namespace, class), a function (its head has a parameter
    list), an element of a constructor's initializer list, or something to step over.
    """
    code = without_comments_and_strings(text)
    code = re.sub(r"\b(public|private|protected)\s*:(?!:)", ";", code)
    position = head_begin = 0
    while match := re.compile(r"[{};]").search(code, position):
        position = match.end()
        if match[0] != "{":
            head_begin = position
            continue
        head = without_template_header(code[head_begin:match.start()])
        is_scope = re.match(r"(inline\s+)?(namespace|class|struct|union|enum|extern)\b", head)
        if head.startswith("namespace") or (
                is_scope and not re.search(r"\)\s*(const|noexcept|override|final|&)*\s*$", head)):
            head_begin = position
            continue
        end = matching_brace(code, match.start())
        following = code[end + 1:].lstrip()[:1]
        position = end + 1
        is_initializer = re.search(r"\)[^;]*:\s", head) and following in (",", "{")
        if is_initializer:
            continue
        if ")" in head and not head.rstrip().endswith("="):
            begin = head_begin + len(code[head_begin:]) - len(code[head_begin:].lstrip())
            yield code.count("\n", 0, begin) + 1, code.count("\n", 0, end) + 1
        head_begin = position


def matching_parenthesis(code, begin):
    """The position of the parenthesis that closes the one at `begin`; the end if there is none."""
    depth = 0
    for match in re.compile(r"[()]").finditer(code, begin):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.start()
    return len(code)


def await_in_condition(tree):
    """g++ 12 may lose the whole body of a coroutine that awaits in a condition."""
    for file in tree.cpp_files():
        code = without_comments_and_strings(file.text).replace("operator co_await", "")
        for match in re.finditer(r"\b(?:if|while|for|switch)\s*(?:constexpr\s*)?(?=\()", code):
            condition = code[match.end():matching_parenthesis(code, match.end())]
            if "co_await" in condition:
                yield (file.path, code.count("\n", 0, match.start()) + 1,
                       "co_await in a condition: await into a variable first "
                       "(docs/TOOLCHAIN.md says why)")


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno


def function_length(tree):
    for file in tree.files:
        if file.is_cpp:
            functions = cpp_functions(file.text)
        elif file.suffix == ".py":
            functions = python_functions(file.text)
        else:
            continue
        for first, last in functions:
            if last - first >= FUNCTION_LINES_MAX:
                yield file.path, first, f"a function of {last - first + 1} lines"


def whitespace(tree):
    for file in tree.files:
        if b"\r" in file.bytes:
            yield file.path, 0, "ends its lines with a carriage return"
        if file.text and (not file.text.endswith("\n") or file.text.endswith("\n\n")):
            yield file.path, 0, "must end with one newline"
        if "\ufffd" in file.text:
            yield file.path, 0, "is not UTF-8"
        for number, line in enumerate(file.lines, 1):
            if line != line.rstrip():
                yield file.path, number, "space at the end of the line"
            if "\t" in line:
                yield file.path, number, "a tab"


def opening_comment(tree):
    """A source and its own header are read as one: the header's comment opens both."""
    for file in tree.files:
        if file.suffix == ".hpp" and "#pragma once" not in file.lines:
            yield file.path, 0, "no #pragma once"
        if not file.is_code or (file.suffix == ".cpp" and file.path[:-4] + ".hpp" in tree.by_path):
            continue
        first = [line for line in file.lines if line.strip() and line != "#pragma once"
                 and not line.startswith("#!")][:1]
        if first and not first[0].startswith(("//", "/*", "#", '"""')):
            yield file.path, 1, "must open with a comment: what it is, and why it is here"
        elif file.is_cpp and first and first[0].startswith("#"):
            yield file.path, 1, "must open with a comment: what it is, and why it is here"


def folders_above(path):
    """`a/b/c.cpp` -> `a/b`, `a`, `` (the root)."""
    for parent in PurePosixPath(path).parents:
        yield "" if str(parent) == "." else str(parent)


def is_listed(tree, path):
    """Whether a meson.build above `path` names it."""
    for folder in folders_above(path):
        build_file = tree.by_path.get(f"{folder}/meson.build" if folder else "meson.build")
        relative = path[len(folder) + 1:] if folder else path
        if build_file and f"'{relative}'" in build_file.text:
            return True
    return False


def dead_files(tree):
    included = {target for file in tree.cpp_files()
                for _, _, target in file.includes() if target != file.path}
    for file in tree.cpp_files():
        must_be_listed = file.suffix == ".cpp" or file.folder in ("loop", "tasks", "mandrill")
        if must_be_listed and not is_listed(tree, file.path):
            yield file.path, 0, "no meson.build lists it"
        installed_as = PurePosixPath(file.path).name
        if file.suffix == ".hpp" and file.path not in included and installed_as not in included:
            yield file.path, 0, "nobody includes it"


def folder_readme(tree):
    """Every folder has one, but those of tests/ that mirror a subfolder of the sources."""
    folders = {folder for file in tree.files for folder in folders_above(file.path)}
    for folder in sorted(folders):
        if folder.startswith(".") or (folder.startswith("tests/") and folder.count("/") > 1):
            continue
        path = f"{folder}/README.md" if folder else "README.md"
        if path not in tree.by_path:
            yield path, 0, "is missing: purpose, reading order, invariants"
        elif len(tree.by_path[path].text.split()) < 20:
            yield path, 0, "says too little: purpose, reading order, invariants"


def to_do_with_reason(tree):
    marker = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
    for file in tree.files:
        for number, line in enumerate(file.lines, 1):
            beside = " ".join(file.lines[number - 1:number + 1])
            if marker.search(line) and " because " not in beside:
                yield file.path, number, "needs its reason beside it: `..., because ...`"


def forbidden_words(tree):
    for file in tree.files:
        for pattern, prefix, why in FORBIDDEN:
            if not file.path.startswith(prefix):
                continue
            for number, line in enumerate(file.lines, 1):
                match = re.search(pattern, line)
                if match:
                    yield file.path, number, f"`{match[0].strip()}`: {why}"
