#!/usr/bin/env python3
"""Each header compiles alone, and twice in a row. Argument: the compiler."""
import concurrent.futures
import os
import subprocess
import sys

sys.path.insert(0, "tools")
from lint_files import finish, walk  # noqa: E402


def compiles(path):
    name = str(path.relative_to(path.parts[0]))
    text = f'#include "{name}"\n#include "{name}"\n'
    r = subprocess.run([*sys.argv[1:], "-std=gnu17", "-D_GNU_SOURCE", "-Isrc", "-Iinclude", "-Wall",
                        "-Wextra", "-Werror", "-Wno-unused-const-variable", "-Wno-unused-function",
                        "-fsyntax-only", "-x", "c", "-"],
                       input=text, capture_output=True, text=True, check=False)
    return None if r.returncode == 0 else f"{path} does not compile alone:\n{r.stderr.strip()}"


def main():
    headers = [p for p in walk(".h") if p.parts[0] in ("src", "include")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        finish([p for p in pool.map(compiles, headers) if p], "headers")


main()
