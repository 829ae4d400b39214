#!/usr/bin/env python3
"""What is not written here: dangerous calls, // comments, tabs, long lines, foreign headers
outside their folder, and paths or hosts of somebody's machine."""
import re
import sys

sys.path.insert(0, "tools")
from lint_files import TOKEN, blank, c_files, finish, walk  # noqa: E402

CALLS = {
    "strcpy": "kl_buf or snprintf", "strcat": "kl_buf or snprintf", "sprintf": "snprintf",
    "vsprintf": "vsnprintf", "strncpy": "memcpy with a length", "strncat": "kl_buf",
    "strtok": "kl_span", "atoi": "strtol with checks", "atol": "strtol with checks",
    "atof": "strtod with checks", "gets": "fgets", "scanf": "a parser", "sscanf": "a parser",
    "gmtime": "gmtime_r", "localtime": "localtime_r", "asctime": "strftime", "ctime": "strftime",
    "system": "os/ roles", "popen": "os/ roles", "tmpnam": "mkstemp", "mktemp": "mkstemp",
    "alloca": "an array of fixed size", "rand": "crypt/digest.h or a seeded generator",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(CALLS) + r")\s*\(")
# What glibc does in it needs a system call that the cage of the extract role forbids.
NOT_IN_CAGE = re.compile(r"(?<![\w.>])(qsort|sysconf|get_nprocs|getpid|time|localtime_r)\s*\(")
ONLY_IN = {"sodium.h": "src/crypt", "sqlite3.h": "src/db", "libpq-fe.h": "src/db"}
HEADER = re.compile(r"#\s*include\s*<([^>]+)>")
# Split so that this file does not find itself.
MACHINE = re.compile(r"(?<![\w.])/(?:home|work|root)" + r"/\w"
                     r"|https?://[^\s/]*(?:artifactory|nexus|registry|mirror)[^\s/]*/")
TEXT = {".c", ".h", ".cc", ".cpp", ".py", ".md", ".build", ".ini", ".yaml", ".txt", ".sh", ".1",
        ".3", ".7", ".in", ""}


def at(text, offset):
    return text.count("\n", 0, offset) + 1


def check_c(path, text, problems):
    code = blank(text)
    for m in CALL.finditer(code):
        problems.append(f"{path}:{at(text, m.start())}: {m[1]} is banned: use {CALLS[m[1]]}")
    for m in NOT_IN_CAGE.finditer(code) if path.parts[:2] == ("src", "extract") else ():
        problems.append(f"{path}:{at(text, m.start())}: {m[1]} makes a call that the cage forbids")
    for m in TOKEN.finditer(text):
        if m[0].startswith("//"):
            problems.append(f"{path}:{at(text, m.start())}: // comment: write /* */")
    for m in HEADER.finditer(code):
        folder = ONLY_IN.get(m[1])
        if folder and not str(path).startswith(folder + "/") and path.parts[0] == "src":
            problems.append(f"{path}:{at(text, m.start())}: <{m[1]}> belongs in {folder}")
    for n, line in enumerate(text.splitlines(), 1):
        if "\t" in line:
            problems.append(f"{path}:{n}: tab")
        if len(line) > 100:
            problems.append(f"{path}:{n}: {len(line)} columns; 100 are allowed")


def main():
    problems = []
    for path in c_files():
        check_c(path, path.read_text(encoding="utf-8"), problems)
    for path in walk():
        if path.suffix not in TEXT or path.parts[:3] == ("tests", "fuzz", "corpus"):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for m in MACHINE.finditer(text):
            problems.append(f"{path}:{at(text, m.start())}: a path or host of one machine: {m[0]}")
    finish(problems, "bans")


main()
