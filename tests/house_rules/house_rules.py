#!/usr/bin/env python3
"""The house rules that a machine can check, one function each: `house_rules.py ROOT` prints every breach.

Knows the layout of the tree, and neither builds nor runs anything. self_test.py shows that each rule can fail.
"""
import os
import re
import sys
from pathlib import Path

FLOORS = ["base", "config", "plugin", "service", "provider", "worker", "engine", "conformance", "cli"]

# library -> (what an include of it looks like, where its one owner lives; or each of its owners, which share nothing)
OWNERS = {
    "Boost.DLL": (r"boost/dll", "host/plugin/"),
    "Boost": (r"boost/(?!dll|asio|beast)", None),
    "Boost.Beast": (r"boost/(?:asio|beast)", "host/service/websocket/", "tests/standins/", "tests/bench/"),
    "OpenSSL": (r"openssl/", "host/service/websocket/"),
    "yaml-cpp": (r"yaml-cpp/", "host/config/"),
    "valijson": (r"valijson/", "host/plugin/"),
    "spdlog": (r"spdlog/", "host/"),
    "SQLite": (r"sqlite3\.h$", "host/service/state/"),
    "libcurl": (r"curl/curl\.h$", "host/service/http/", "tests/bench/"),
    "libsodium": (r"sodium(\.h$|/)", "host/plugin/"),
    "libseccomp": (r"seccomp\.h$", "plugins/local/filter/"),
    "libarchive": (r"archive(_entry)?\.h$", "plugins/common/"),
}
CODE = {".c", ".h", ".cpp", ".hpp"}
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", "corpus"}


class Tree:
    """The files of a checkout, read once."""

    def __init__(self, root):
        self.root = Path(root)
        self.paths = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
            relative = Path(folder).relative_to(self.root)
            self.paths += [str(relative / name) for name in sorted(files) if name != ".git"]
        self.texts = {}

    def text(self, path):
        if path not in self.texts:
            full = self.root / path
            self.texts[path] = full.read_text(encoding="utf-8", errors="replace") if full.is_file() else ""
        return self.texts[path]

    def code(self, *folders):
        return [p for p in self.paths
                if Path(p).suffix in CODE and (not folders or p.startswith(folders))]

    def written(self):
        """Everything people write as text."""
        suffixes = CODE | {".py", ".sh", ".md", ".txt", ".cmake", ".in", ".yaml", ".json", ".rs", ".toml", ""}
        return [p for p in self.paths if Path(p).suffix in suffixes]

    def folders(self, parent):
        base = self.root / parent
        if not base.is_dir():
            return []
        return sorted(f.name for f in base.iterdir()
                      if f.is_dir() and not f.name.startswith(".") and f.name not in SKIPPED_FOLDERS)


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match[1], match[2]


def rule_owners(tree):
    """Each library is included by one file only."""
    for library, (pattern, *places) in OWNERS.items():
        users = [p for p in tree.code() if any(re.match(pattern, name) for _, _, name in includes(tree.text(p)))]
        if places == [None]:
            owned = re.compile(OWNERS["Boost.DLL"][0])
            for path in users:
                if not any(owned.match(name) for _, _, name in includes(tree.text(path))):
                    yield f"{path}: includes {library}, which only the plugin loader does"
            continue
        for path in users:
            if not path.startswith(tuple(places)):
                yield f"{path}: includes {library}, whose owner lives in {' and '.join(places)}"
        for place in places:
            owners = [path for path in users if path.startswith(place)]
            if len(owners) != 1:
                yield f"{library} has {len(owners)} owner files in {place} instead of one: {', '.join(owners) or 'none'}"


def rule_command_line_library(tree):
    """CLI11 belongs to host/cli, doctest to the tests, nlohmann/json to everything but the SDK."""
    for path in tree.code():
        for number, _, name in includes(tree.text(path)):
            if name.startswith("CLI/") and not path.startswith("host/cli/"):
                yield f"{path}:{number}: includes CLI11, which belongs to host/cli"
            if name.startswith("doctest/") and not path.startswith("tests/"):
                yield f"{path}:{number}: includes doctest, which belongs to tests"
            if name.startswith("nlohmann/") and path.startswith("sdk/include/"):
                yield f"{path}:{number}: the SDK needs no library, so no nlohmann/json"


def floor_of(path):
    parts = Path(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == "host" else None


def included_floor(path, kind, name):
    """The floor an include of a host file reaches, or None."""
    if kind == "<":
        return None
    if name.startswith(".."):
        return floor_of(os.path.normpath(os.path.join(os.path.dirname(path), name)))
    first = name.split("/")[0]
    return first if "/" in name and first in FLOORS else None


def rule_floors(tree):
    """A floor of the host uses only those before it."""
    for path in tree.code("host/"):
        floor = floor_of(path)
        if floor not in FLOORS:
            yield f"{path}: host has no floor {floor}"
            continue
        for number, kind, name in includes(tree.text(path)):
            other = included_floor(path, kind, name)
            if other and FLOORS.index(other) > FLOORS.index(floor):
                yield f"{path}:{number}: {floor} uses {other}, which comes after it"


def rule_sides(tree):
    """The SDK and the plugins know nothing of the host."""
    for path in tree.code("sdk/", "plugins/"):
        for number, kind, name in includes(tree.text(path)):
            reached = os.path.normpath(os.path.join(os.path.dirname(path), name))
            if reached.startswith("host/") or (kind == '"' and name.split("/")[0] in FLOORS and "/" in name):
                yield f"{path}:{number}: includes {name} of the host"
    for path in tree.code("sdk/include/"):
        for number, kind, name in includes(tree.text(path)):
            if kind == "<" and "/" in name and not re.match(r"berth/|sys/|linux/", name):
                yield f"{path}:{number}: includes {name}; the SDK needs only the standard library"


def rule_installed_headers(tree):
    """Headers that embedders get find each other wherever they are installed: relatively."""
    for path in tree.code("host/"):
        if path.endswith(".hpp") and floor_of(path) not in ("conformance", "cli"):
            for number, kind, name in includes(tree.text(path)):
                if kind == '"' and "/" in name and not name.startswith("../"):
                    yield f'{path}:{number}: write "../{name}", which works installed too'


def rule_namespaces(tree):
    """Host and SDK keep their symbols apart by inline namespaces."""
    for folder, wanted in (("host/", "berth::inline host_v1"), ("sdk/include/", "berth::inline sdk_v1")):
        for path in tree.code(folder):
            text = tree.text(path)
            if path.endswith(".hpp") and re.search(r"^namespace berth\b", text, re.MULTILINE) and wanted not in text:
                yield f"{path}: declares nothing in namespace {wanted}"


def first_comment(path, text):
    lines = text.splitlines()
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    if not lines:
        return ""
    first = lines[0].strip()
    if first.startswith("/*"):
        return "\n".join(lines).split("*/")[0]
    if first.startswith('"""'):
        return "\n".join(lines).split('"""')[1]
    mark = "//" if Path(path).suffix in CODE | {".rs"} else "#"
    comment = []
    for line in lines:
        if not line.startswith(mark):
            break
        comment.append(line[len(mark):])
    return "\n".join(comment)


def rule_first_lines(tree):
    """Every source says in a sentence what it is for; a header speaks for the source of its name."""
    for path in tree.paths:
        name, suffix = os.path.basename(path), Path(path).suffix
        if suffix == ".cpp" and str(Path(path).with_suffix(".hpp")) in tree.paths:
            continue
        if suffix in CODE | {".py", ".sh", ".rs", ".cmake"} or name in ("CMakeLists.txt", "dev"):
            if len(first_comment(path, tree.text(path)).split()) < 2:
                yield f"{path}: does not begin with a comment that says what it is for"


def rule_length(tree):
    """A file above 400 lines says why it is one."""
    for path in tree.paths:
        if Path(path).suffix in CODE | {".py", ".sh", ".rs"}:
            text = tree.text(path)
            lines = text.splitlines()
            if len(lines) > 400 and "because" not in first_comment(path, text):
                yield f"{path}: {len(lines)} lines, and its first lines give no reason ('... because ...')"


def rule_words(tree):
    """No unfinished work, no words or paths of one machine, no feature that one of the compilers lacks."""
    unfinished = r"\b(?:%s)\b" % "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"])
    phrases = r"\b(?:%s)\b" % "|".join(["for " + "now", "place" + "holder", "not yet " + "implemented"])
    missing = r"std::(?:format|source_location|expected|views|ranges::views|print)\b|\bimport std\b"
    machine = r"/wo" + r"rk/(?:main|wt|shared|\.library)"
    if len(tree.root.parts) > 3:
        machine += "|" + re.escape(str(tree.root)) + r"\b"
    for path in tree.written():
        if path == "LICENSE":
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if match := re.search(unfinished, line) or re.search(phrases, line, re.IGNORECASE):
                yield f"{path}:{number}: '{match[0]}' is unfinished work"
            if Path(path).suffix in CODE and (match := re.search(missing, line.split("//")[0])):
                yield f"{path}:{number}: {match[0]} is not in both GCC 12 and clang 14"
            if re.search(machine, line):
                yield f"{path}:{number}: names a path of one machine"


def rule_cmake(tree):
    """CMake lists files by name, and every source file is in a list."""
    lists = {p: tree.text(p) for p in tree.paths if os.path.basename(p) == "CMakeLists.txt" or p.endswith(".cmake")}
    for path, text in lists.items():
        if re.search(r"file\s*\(\s*GLOB", text):
            yield f"{path}: lists files by pattern; name them"
    together = "\n".join(lists.values())
    scripts = "\n".join(tree.text(p) for p in tree.paths if p.endswith((".py", ".sh")))
    for path in tree.paths:
        name = os.path.basename(path)
        if not path.endswith((".cpp", ".c")) or name in together:
            continue
        # Tests may be listed by their room's name in a foreach.
        room = re.escape(Path(name).stem.removesuffix("_test"))
        if not re.search(rf"\b{room}\b", together + scripts):
            yield f"{path}: no CMakeLists.txt or test script names it"


def rule_diagnostics(tree):
    """The numbers in the code and the rows of docs/diagnostics.md are the same; each number is raised somewhere."""
    declared = {}
    for path in tree.code("host/"):
        for match in re.finditer(r'Diagnostic\s+(\w+)\s*\{\s*"(BERTH-[A-Z]-\d\d)"', tree.text(path)):
            name, number = match[1], match[2]
            if number in declared:
                yield f"{path}: {number} is declared twice"
            declared[number] = (path, name)
    rows = re.findall(r"^\|\s*`?(BERTH-[A-Z]-\d\d)`?\s*\|", tree.text("docs/diagnostics.md"), re.MULTILINE)
    for number in sorted({n for n in rows if rows.count(n) > 1}):
        yield f"docs/diagnostics.md: {number} has two rows"
    for number in sorted(set(declared) - set(rows)):
        yield f"{declared[number][0]}: {number} has no row in docs/diagnostics.md"
    for number in sorted(set(rows) - set(declared)):
        yield f"docs/diagnostics.md: {number} is in no diagnostics.hpp"
    for number, (path, name) in sorted(declared.items()):
        used = re.compile(rf"\b{name}\b")
        if not any(p != path and used.search(tree.text(p)) for p in tree.code("host/")):
            yield f"{path}: {number} ({name}) is never raised"


def rule_providers(tree):
    """README's table of providers names exactly the plugins there are."""
    section = tree.text("README.md").partition("<!-- providers -->")[2].partition("<!-- /providers -->")[0]
    listed = sorted(re.findall(r"^\|\s*`(\w+)\.so`", section, re.MULTILINE))
    there = [f for f in tree.folders("plugins") if f not in ("cloud", "common", "examples")]
    if listed != there:
        yield f"README.md lists the providers {listed}, plugins/ has {there}"
    for name in there:
        if not tree.text(f"plugins/{name}/README.md"):
            yield f"plugins/{name} has no README.md"


def rule_folder_map(tree):
    """README's map names exactly the folders there are: the top, and what lies in host, plugins and tests."""
    section = tree.text("README.md").partition("<!-- folders -->")[2].partition("<!-- /folders -->")[0]
    mapped, parent = set(), ""
    for line in section.splitlines():
        if match := re.match(r"(  )?(\w+)/\s", line):
            if not match[1]:
                parent = match[2]
            mapped.add(f"{parent}/{match[2]}" if match[1] else parent)
    there = set(tree.folders("."))
    for top in ("host", "plugins", "tests"):
        there |= {f"{top}/{name}" for name in tree.folders(top)}
    for folder in sorted(there - mapped):
        yield f"README.md: the folder map lacks {folder}/"
    for folder in sorted(mapped - there):
        yield f"README.md: the folder map names {folder}/, which is not there"


def rule_examples(tree):
    """Every example configuration is loaded by a test."""
    tests = "\n".join(tree.text(p) for p in tree.paths if p.startswith("tests/") and not p.endswith(".md"))
    for path in tree.paths:
        if re.match(r"config/.*\.yaml$", path) and os.path.basename(path) not in tests:
            yield f"{path}: no test names it"


def rule_links(tree):
    """Links between documents lead somewhere."""
    for path in tree.paths:
        if not path.endswith(".md"):
            continue
        text = re.sub(r"```.*?```", "", tree.text(path), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            if not (tree.root / os.path.dirname(path) / target).exists():
                yield f"{path}: the link to {target} leads nowhere"


RULES = [value for name, value in sorted(globals().items()) if name.startswith("rule_")]


def breaches(root):
    tree = Tree(root)
    return [(rule.__name__, breach) for rule in RULES for breach in rule(tree)]


def main():
    found = breaches(Path(sys.argv[1]).resolve())
    for name, breach in found:
        print(f"{name}: {breach}")
    if found:
        return f"{len(found)} breaches of the house rules"
    print(f"{len(RULES)} house rules hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
