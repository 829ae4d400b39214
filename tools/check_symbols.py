#!/usr/bin/env python3
"""What libkulla exports is src/lib/libkulla.symbols, is what include/kulla marks KL_API, and all of
it begins with kl_; no parser of foreign bytes is inside. Argument: the library; --fix writes the list.

A name that leaves the list breaks its callers: that needs another soversion."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, "tools")
from lint_files import blank, finish  # noqa: E402

LIST = pathlib.Path("src/lib/libkulla.symbols")
DECLARED = re.compile(r"\bKL_API\b[^;]*?\b(\w+)\s*\(", re.S)
# What only the extract role may link (ADR 0006): libraries, and the way into our own parsers.
PARSERS = re.compile(r"libdeflate|libisal|simdjson|libseccomp|libexpat|xlsxwriter|libstdc\+\+")
ENTRY = {"kl_extract_document", "kl_extract_worker_main", "kl_cage_enter"}


def said_by(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def names(library, *options):
    return {line.split()[-1].split("@")[0] for line in said_by("nm", *options, library).splitlines()
            if line.strip()}


def main():
    library = next(a for a in sys.argv[1:] if not a.startswith("--"))
    exported = names(library, "-D", "--defined-only")
    if "--fix" in sys.argv:
        LIST.write_text("".join(f"{n}\n" for n in sorted(exported)))
    listed = LIST.read_text().split()
    declared = set()
    for header in sorted(pathlib.Path("include/kulla").glob("*.h")):
        code = re.sub(r"^\s*#.*$", "", blank(header.read_text()), flags=re.M)
        declared |= set(DECLARED.findall(code))
    problems = [f"{LIST}: not sorted, or a name twice"] if listed != sorted(set(listed)) else []
    listed = set(listed)
    problems += [f"{n}: exported, not in {LIST}" for n in sorted(exported - listed)]
    problems += [f"{n}: in {LIST}, not exported" for n in sorted(listed - exported)]
    problems += [f"{n}: exported, not declared in include/kulla" for n in sorted(exported - declared)]
    problems += [f"{n}: declared KL_API, not exported" for n in sorted(declared - exported)]
    problems += [f"{n}: does not begin with kl_" for n in sorted(exported) if n[:3] != "kl_"]
    problems += [f"{n}: must not be in the library" for n in sorted(ENTRY & names(library))]
    dynamic = said_by("readelf", "-d", library)
    problems += [f"needs {n}: for the extract role only"
                 for n in re.findall(r"NEEDED.*\[(.*)\]", dynamic) if PARSERS.search(n)]
    if "[libkulla.so.0]" not in dynamic:
        problems.append("its soname is not libkulla.so.0")
    finish(problems, "symbols")


main()
