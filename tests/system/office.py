"""The office documents of `kulla synth --leaks all`, scanned by the real program.

usage: office.py KULLA
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

KULLA = str(pathlib.Path(sys.argv[1]).resolve())
LEAKS = ["02-xls.xls", "02b-xlsb.xlsb", "25-docx-table.docx", "25b-pptx-table.pptx",
         "25c-odt-table.odt", "25d-ods.ods"]


def run(*args):
    p = subprocess.run(args, capture_output=True, text=True, timeout=300, check=False)
    if p.returncode not in (0, 1, 4):
        raise AssertionError(f"{args[0]} gave up with {p.returncode}: {p.stderr[-500:]}")
    return p.stdout


class Nation:
    def __init__(self, folder):
        self.folder = folder
        run(KULLA, "synth", "--people", "3000", "--seed", "7", "--out", folder, "--leaks", "all")
        self.key = self.path("kulla.key")
        self.index = self.path("salaries.kidx")
        run(KULLA, "keygen", self.key)
        run(KULLA, "register", "build", "--schema", self.path("salaries.yaml"), "--key", self.key,
            "-o", self.index, self.path("salaries.csv"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def scan(self, path):
        out = run(KULLA, "scan", "--index", self.index, "--key", self.key, "--jobs", "1",
                  "--format", "json", path)
        found = [json.loads(line) for line in out.splitlines()]
        found = [one for one in found if one.get("path") == path]
        assert len(found) == 1, f"{len(found)} findings"
        b = found[0]["bytes"]
        assert b["seen"] == os.path.getsize(path) == b["inspected"] + b["not_inspected"], b
        return found[0]


def whole(nation, name):
    """All rows are found, nothing is left out."""
    path = nation.path("leaks/" + name)
    with open(path + ".truth.json", encoding="utf-8") as f:
        n = len(json.load(f)["rows"])
    finding = nation.scan(path)
    rows = sum(one["rows"] for one in finding["registers"])
    assert n > 600 and n >= rows >= 0.99 * n, f"{rows} of {n} rows"
    assert finding["bytes"]["not_inspected"] == 0, finding["bytes"]


def cut(nation, name):
    """The first two thirds of it: what is left is read, the sums are right."""
    path = nation.path("cut-" + name)
    with open(nation.path("leaks/" + name), "rb") as f:
        data = f.read()
    with open(path, "wb") as f:
        f.write(data[:len(data) * 2 // 3])
    finding = nation.scan(path)
    rows = sum(one["rows"] for one in finding["registers"])
    # The shared strings of a workbook may be in the third that is gone: they are its keys.
    assert rows >= 300 or name.endswith(".xlsb"), f"{rows} rows"
    assert finding["anomalies"], "nothing said"


def main():
    failed = 0
    tests = [(test, name) for name in LEAKS for test in (whole, cut)]
    print(f"1..{len(tests)}")
    with tempfile.TemporaryDirectory() as folder:
        nation = Nation(folder)
        for i, (test, name) in enumerate(tests, 1):
            try:
                test(nation, name)
                print(f"ok {i} {name} {test.__name__}")
            except (AssertionError, subprocess.SubprocessError, OSError, ValueError) as error:
                failed += 1
                print(f"not ok {i} {name} {test.__name__}")
                print("# " + traceback.format_exc().replace("\n", "\n# "))
                print(f"# {error}")
    return failed > 0


sys.exit(main())
