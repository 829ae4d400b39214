"""Office documents made from the nation, from the file to the verdict, beside their peers."""
import os
import sys

import measure as m

CASES = (("ods", 637138), ("xlsb", 637138), ("xls", 65536), ("docx", 65536))
ODFPY = ("import sys\nfrom odf.opendocument import load\nfrom odf.table import TableRow\n"
         "print(len(load(sys.argv[1]).getElementsByType(TableRow)))")
XLRD = "import sys,xlrd\nprint(xlrd.open_workbook(sys.argv[1]).sheet_by_index(0).nrows)"
PEERS = {
    "ods": {"soffice": None, "odfpy": ["/usr/bin/python3", "-c", ODFPY]},
    "xlsb": {"soffice": None},
    "xls": {"soffice": None, "xls2csv": ["xls2csv", "-x"], "xlrd": ["/usr/bin/python3", "-c", XLRD]},
    "docx": {"soffice": None, "docx2txt": ["docx2txt"]},
}


def soffice(kind, document):
    to = "txt:Text" if kind == "docx" else "csv"
    return ["soffice", "--headless", "--convert-to", to, "--outdir", m.DATA, document]


def peers(b, kind, what, document):
    for name, command in PEERS[kind].items():
        command = soffice(kind, document) if name == "soffice" else command + [document]
        if name == "docx2txt":
            command = command + ["-"]
        if name in ("odfpy", "xlrd"):
            missing = m.once(["/usr/bin/python3", "-c", f"import {'odf' if name == 'odfpy' else name}"])["exit"]
        else:
            missing = not m.have(command[0])
        if missing:
            b.skip("office", f"{what}: {name}", "not installed")
            continue
        run = m.once(command, memory=True, limit=300, to_null=True)
        if run["exit"]:
            b.skip("office", f"{what}: {name}", f"failed or over 300 s, exit {run['exit']}")
            continue
        shown = command[:1] + [document] if "-c" in command else command
        b.add("office", f"{what}: {name}", run["cpu"], "s", shown, rss_mb=run["rss"] // 1000000,
              note="one run")


def office(b, documents, index, scan_command):
    folder = m.nation(3000000 * b.people // 1000000, 1)
    table = folder + "/salaries.csv"
    one = index(folder, "salaries")
    with open(table, encoding="utf-8") as f:
        have = sum(1 for _ in f) - 1
    for kind, most in CASES:
        # xls has 65,536 rows, the header among them.
        rows = min(have, most - 1 if kind == "xls" else most)
        document = m.make(f"office-{rows}.{kind}", lambda part: m.run_quiet(
            [sys.executable, "bench/gen_office.py", kind, table, part, str(rows + 1)]))
        what = f"{kind}, {rows:,} x 9 ({os.path.getsize(document) / 1e6:.0f} MB)"
        command = scan_command([one], document)
        run = m.median(command, b.runs, memory=True)
        found = sum(r["rows"] for d in documents(run) for r in d["registers"])
        beside = (run["rss"] - os.path.getsize(one)) / 1e6
        b.add("office", what, run["cpu"], "s", command, "every row; <= 128 MB beside the index",
              found >= 0.99 * rows and beside <= 128, rows_found=found, rows_true=rows,
              beside_index_mb=round(beside))
        if kind != "xls":
            unzip = ["unzip", "-p", document]
            b.add("office", f"{what}: unzip -p", m.median(unzip, b.runs, to_null=True)["cpu"], "s",
                  unzip)
        peers(b, kind, what, document)
