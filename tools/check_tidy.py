#!/usr/bin/env python3
"""clang-tidy 14 (.clang-tidy) over the C files of src/, in parallel. Arguments: only these files."""
import concurrent.futures
import os
import re
import subprocess
import sys

sys.path.insert(0, "tools")
from lint_files import c_files, finish  # noqa: E402


def tidy(name):
    r = subprocess.run(["clang-tidy", "--quiet", name, "--", "-std=gnu17", "-D_GNU_SOURCE", "-Isrc",
                        "-Iinclude"], capture_output=True, text=True, check=False)
    return r.stdout.strip() if r.returncode != 0 else ""


def main():
    files = sys.argv[1:] or [str(p) for p in c_files("src") if p.suffix == ".c"]
    files.sort(key=os.path.getsize, reverse=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        out = [o for o in pool.map(tidy, files) if o]
    print("\n".join(out))
    finish([m for o in out for m in re.findall(r"^.*(?:error|warning):.*$", o, re.M)], "tidy")


main()
