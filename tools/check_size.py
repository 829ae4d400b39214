#!/usr/bin/env python3
"""Functions of src/ and include/: complexity <= 20 (McCabe, a switch counts once), <= 80 lines;
files <= 600 lines. Exceptions stand in tools/size_allow.txt, one a line:
path[:function] reason."""
import subprocess
import sys

sys.path.insert(0, "tools")
from lint_files import c_files, finish  # noqa: E402

MAX_COMPLEXITY, MAX_FUNCTION, MAX_FILE = 20, 80, 600


def allowed():
    out = {}
    with open("tools/size_allow.txt", encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                what, _, reason = line.strip().partition(" ")
                out[what] = reason.strip()
    return out


def main():
    allow = allowed()
    used = set()
    problems = [f"tools/size_allow.txt: {w}: no reason given" for w, r in allow.items() if not r]
    files = [str(p) for p in c_files("src", "include")]

    def over(key, text):
        used.add(key)
        if key not in allow:
            problems.append(text)

    for name in files:
        with open(name, encoding="utf-8") as f:
            n = sum(1 for _ in f)
        if n > MAX_FILE:
            over(name, f"{name}: {n} lines; {MAX_FILE} are allowed")
    out = subprocess.run(["pmccabe", *files], capture_output=True, text=True, check=False).stdout
    for line in out.splitlines():
        f = line.split("\t")
        if len(f) < 6:
            continue
        complexity, n_lines = int(f[0]), int(f[4])
        where, _, function = f[5].rpartition(": ")
        key = where.split("(")[0] + ":" + function
        if complexity > MAX_COMPLEXITY:
            over(key, f"{where}: {function}: complexity {complexity}; {MAX_COMPLEXITY} is allowed")
        if n_lines > MAX_FUNCTION:
            over(key, f"{where}: {function}: {n_lines} lines; {MAX_FUNCTION} are allowed")
    for what in sorted(set(allow) - used):
        problems.append(f"tools/size_allow.txt: {what}: not needed any more")
    finish(problems, "size")


main()
