#!/usr/bin/env python3
"""Which folder of src/ may include and link which: the table below; everything else is refused.

Also refused: *_int.h from another folder, header cycles, a folder that includes what its library
does not link, and a source that no meson.build lists.
"""
import pathlib
import re
import sys

sys.path.insert(0, "tools")
from lint_files import blank, finish, walk  # noqa: E402

MAY = {
    "base": set(),
    "crypt": {"base"},
    "os": {"base"},
    "db": {"base"},
    "finding": {"base", "crypt"},
    "extract": {"base", "os"},
    "match": {"base", "crypt", "finding"},
    "register": {"base", "crypt", "os", "extract", "match"},
    "inspect": {"base", "crypt", "os", "finding", "extract", "match"},
    "lib": {"base", "finding", "inspect"},
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)


def may(folder):
    if folder == "cmd":
        return set(MAY) - {"lib"}
    return MAY.get(folder)


def includes_of(path):
    text = blank(path.read_text(encoding="utf-8"), keep_strings=True)
    for m in INCLUDE.finditer(text):
        yield text.count("\n", 0, m.start()) + 1, m[1]


def check_file(path, used, problems):
    here = path.parts[1]
    for line, name in includes_of(path):
        if "/" not in name:
            problems.append(f'{path}:{line}: write "{here}/{name}": includes name their folder')
            continue
        there = name.split("/")[0]
        if there == "kulla":
            continue
        if there != here:
            used.setdefault(here, {}).setdefault(there, f"{path}:{line}")
            if there not in may(here):
                problems.append(f"{path}:{line}: {here} may not include {there}")
            if name.endswith("_int.h"):
                problems.append(f"{path}:{line}: {name} is internal to {there}")
        if not (pathlib.Path("src") / name).exists():
            problems.append(f"{path}:{line}: there is no src/{name}")


def check_links(used, problems):
    links = {}
    for path in sorted(pathlib.Path("src").glob("*/meson.build")):
        m = re.search(r"(?:link_with:|cmd_libs =)\s*\[([^\]]*)\]", path.read_text())
        links[path.parts[1]] = set(re.findall(r"(\w+)_lib\b", m[1])) if m else set()
        for source in sorted(path.parent.glob("*.c*")):
            if f"'{source.name}'" not in path.read_text():
                problems.append(f"{path}: {source.name} is not listed")
    for folder, linked in links.items():
        for extra in sorted(linked - (may(folder) or set())):
            problems.append(f"src/{folder}/meson.build: {folder} may not link {extra}")
        for there, where in used.get(folder, {}).items():
            if there not in linked:
                problems.append(f"{where}: {folder} includes {there} but does not link {there}_lib")


def check_cycles(problems):
    graph = {str(p.relative_to("src")): [n for _, n in includes_of(p)]
             for p in walk(".h") if p.parts[0] == "src"}
    done = set()

    def visit(name, trail):
        if name in trail:
            problems.append("header cycle: " + " -> ".join(trail[trail.index(name):] + [name]))
        elif name not in done:
            for n in graph.get(name, []):
                visit(n, trail + [name])
            done.add(name)

    for name in graph:
        visit(name, [])


def main():
    problems, used = [], {}
    for path in walk(".c", ".h", ".cc", ".cpp"):
        if path.parts[0] != "src":
            continue
        if may(path.parts[1]) is None:
            problems.append(f"{path}: folder {path.parts[1]} is not in the table of {__file__}")
            continue
        check_file(path, used, problems)
    check_links(used, problems)
    check_cycles(problems)
    finish(problems, "layers")


main()
