#!/usr/bin/env python3
"""clang-format 14 over all C files but generated ones; --fix rewrites them."""
import subprocess
import sys

sys.path.insert(0, "tools")
from lint_files import c_files, finish  # noqa: E402


def main():
    files = [str(p) for p in c_files()]
    if "--fix" in sys.argv:
        subprocess.run(["clang-format", "-i", *files], check=True)
    problems = []
    for name in files:
        with open(name, encoding="utf-8") as f:
            have = f.read()
        want = subprocess.run(["clang-format", name], capture_output=True, text=True, check=True,
                              encoding="utf-8").stdout
        if have != want:
            pairs = zip(have.splitlines() + [""], want.splitlines() + [""])
            line = next((n for n, (a, b) in enumerate(pairs, 1) if a != b), 0)
            problems.append(f"{name}:{line}: not as clang-format writes it; run: make format")
    finish(problems, "format")


main()
