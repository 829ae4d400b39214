"""The other programs, on the same input in the same run. One that is missing is said."""
import json
import os

import measure as m

PATTERNS = "bench/patterns.txt"


def skip_missing(b, part, what, program):
    if m.have(program):
        return False
    b.skip(part, what, "not installed")
    return True


def workbook(b, what, book):
    small = {"xlsx2csv": ["xlsx2csv", book], "openpyxl": ["/usr/bin/python3", "-c", (
        "import sys,openpyxl\nfor s in openpyxl.load_workbook(sys.argv[1],read_only=True):\n"
        " for r in s.iter_rows(values_only=True): pass"), book],
        "soffice": ["soffice", "--headless", "--convert-to", "csv", "--outdir", m.DATA, book]}
    for name, command in small.items():
        if name == "openpyxl":
            if m.once(["/usr/bin/python3", "-c", "import openpyxl"])["exit"]:
                b.skip("workbook", f"{what}: {name}", "not installed")
                continue
        elif skip_missing(b, "workbook", f"{what}: {name}", name):
            continue
        run = m.once(command, memory=True, limit=300, to_null=True)
        if run["exit"]:
            b.skip("workbook", f"{what}: {name}", f"failed or over 300 s, exit {run['exit']}")
            continue
        b.add("workbook", f"{what}: {name}", run["cpu"], "s", command[:2] + [book] if
              name == "openpyxl" else command, rss_mb=run["rss"] // 1000000, note="one run")


def timed(b, what, command, text, runs, good=(0,), **more):
    run = m.median(command, runs, memory=True, to_null=True)
    if run["exit"] not in good:
        b.skip("peers", what, f"failed, exit {run['exit']}")
        return
    b.add("peers", what, m.megabytes(text) / run["cpu"], "MB/s", command,
          rss_mb=run["rss"] // 1000000, cpu_s=round(run["cpu"], 3), **more)


def clam(b, text):
    what = "clamscan --detect-structured, first 16 MB"
    if skip_missing(b, "peers", what, "clamscan"):
        return
    with open(m.path("one.hdb"), "w", encoding="ascii") as f:
        f.write("44d88612fea8a8f36de82e1278abb02f:68:Test\n")

    def cut(part):
        with open(text, "rb") as f, open(part, "wb") as out:
            out.write(f.read(16000000))
    piece = m.make("clam.txt", cut)
    command = ["clamscan", "-d", m.path("one.hdb"), "--detect-structured=yes", "--no-summary",
               "--structured-ssn-count=1000000", "--structured-cc-count=1000000", piece]
    timed(b, what, command, piece, 1, (0, 1), note="one run")


def hyperscan(b, what, way, patterns, text):
    tool = m.path("hs_bench")
    if not os.path.exists("/usr/include/hs/hs.h"):
        b.skip("peers", what, "not installed")
        return
    m.run_quiet(["gcc", "-O2", "bench/hs_bench.c", "-o", tool, "-lhs"])
    command = [tool, way, patterns, text]
    run = m.median(command, b.runs if way == "regex" else 1, memory=True)
    if run["exit"]:
        b.skip("peers", what, f"failed, exit {run['exit']}")
        return
    got = json.loads(run["out"])
    b.add("peers", what, m.megabytes(text) / got["scan"], "MB/s", command,
          rss_mb=run["rss"] // 1000000, compile_s=got["compile"], matches=got["matches"],
          database_mb=round(got["database"] / 1e6, 1), note="scan alone, no offsets; input in RSS")


def keys_file(b, count):
    def write(part):
        with open(b.civil(), encoding="utf-8") as f, open(part, "w", encoding="ascii") as out:
            next(f)
            for _, line in zip(range(count), f):
                out.write(line.split(",", 1)[0] + "\n")
    return m.make(f"keys-{b.people}-{count}.txt", write)


def text(b):
    corpus, good = b.corpus(), (0, 1)
    ascii_words = m.path("patterns-rg.txt")
    with open(PATTERNS, encoding="ascii") as f, open(ascii_words, "w", encoding="ascii") as out:
        out.write(f.read().replace("\\b", "(?-u:\\b)"))
    clam(b, corpus)
    few, many = keys_file(b, min(100000, b.people)), keys_file(b, b.people)
    for what, where in (("benign", corpus), ("all leak", b.civil())):
        if not skip_missing(b, "peers", f"rg, 10 patterns, {what}", "rg"):
            timed(b, f"rg, 10 patterns, {what}", ["rg", "-j1", "-a", "-c", "-f", ascii_words,
                  where], where, b.runs, good)
            timed(b, f"rg -F -f, {b.people:,} keys, {what}",
                  ["rg", "-j1", "-a", "-c", "-F", "-f", many, where], where, 1, good,
                  note="set-up included; one run")
        timed(b, f"grep -F -f, {b.people:,} keys, {what}",
              ["env", "LC_ALL=C", "grep", "-aFc", "-f", many, where], where, 1, good,
              note="set-up included; one run")
        hyperscan(b, f"Hyperscan, 10 patterns, {what}", "regex", PATTERNS, where)
        hyperscan(b, f"Hyperscan, 100,000 literal keys, {what}", "literal", few, where)
