"""Databases as files: ours beside each format's own tool, on the same rows."""
import csv
import os
import subprocess
import sys

import measure as m

COLUMNS = ("nid", "given", "father", "family", "birth_date", "municipality", "address", "phone")
EXTRACT = {"mdb-export": ["mdb-export", "{}", "paga"],
           "sqlite3 -csv": ["sqlite3", "-csv", "{}", "SELECT * FROM paga"],
           "pg_restore -f -": ["pg_restore", "-f", "-", "{}"]}


def table(people):
    """The first rows of the civil register, eight of its columns."""
    rows = 910000 * people // 1000000

    def write(part):
        with open(m.nation(people, 1) + "/civil.csv", encoding="utf-8", newline="") as f, \
                open(part, "w", encoding="utf-8", newline="") as out:
            source = csv.reader(f)
            names = next(source)
            pick = [names.index(name) for name in COLUMNS]
            out.write(",".join(COLUMNS) + "\n")
            for _, row in zip(range(rows), source):
                # MakeAccess.java knows no quotes.
                out.write(",".join(row[i].replace(",", " ") for i in pick) + "\n")
    return m.make(f"civil-{rows}x8.csv", write), rows


def jackcess():
    """The class path of MakeAccess, built once; None: Java or the library is not to be had."""
    if not (m.have("java") and m.have("javac") and m.have("mvn")):
        return None

    def build(part):
        subprocess.run(["mvn", "-q", "-B", "-f", "bench/access/pom.xml",
                        "dependency:copy-dependencies", "-DoutputDirectory=" + os.path.abspath(part)],
                       check=True, stdout=subprocess.DEVNULL, timeout=600)
        m.run_quiet(["javac", "-cp", part + "/*", "-d", part, "bench/access/MakeAccess.java"])
    try:
        folder = m.make("jackcess", build)
    except (subprocess.SubprocessError, OSError):
        return None
    return f"{folder}/*:{folder}"


def measure(b, part, what, path, one, rows, scan_command, documents, reach=None):
    """Ours: CPU seconds to the verdict, every row found, memory."""
    command = scan_command([one], path)
    trial = m.once(command, memory=True)
    run = m.median(command, b.runs)
    found = sum(r["rows"] for d in documents(run) for r in d["registers"])
    lost = sum(d["bytes"]["not_inspected"] for d in documents(run))
    beside = (trial["rss"] - os.path.getsize(one)) / 2**20
    met = None
    if reach is not None:
        met = run["cpu"] <= reach and found == rows and beside <= 256
    b.add(part, what, run["cpu"], "s", command, reach and f"<= {reach} s; every row; <= 256 MiB", met,
          runs=run["runs"], rows_found=found, rows_true=rows, bytes_not_inspected=lost,
          file_mb=round(m.megabytes(path), 1), beside_index_mib=round(beside))


def peer(b, part, name, what, path):
    command = [word.format(path) for word in EXTRACT[name]]
    if not m.have(command[0]):
        b.skip(part, f"{what}: {name}", f"{command[0]} is not installed")
        return
    run = m.median(command, b.runs, to_null=True)
    b.add(part, f"{what}: {name}", run["cpu"], "s", command, runs=run["runs"],
          note="extraction alone, no verdict")


def access(b, index, scan_command, documents):
    source, rows = table(b.people)
    path = jackcess()
    for version, ending in (("V2003", "mdb"), ("V2010", "accdb")):
        what = f"Access {version[1:]}, {rows:,} x 8"
        if path is None:
            b.skip("access", what, "no Java, Maven or Jackcess here to make the file")
            continue
        made = m.make(f"civil-{rows}x8.{ending}", lambda part, v=version: m.run_quiet(
            ["java", "-Xmx2g", "-cp", path, "MakeAccess", source, part, v]))
        one = index(m.nation(b.people, 1), "civil")
        measure(b, "access", what, made, one, rows, scan_command, documents, 1.5)
        peer(b, "access", "mdb-export", what, made)


def databases(b, index, scan_command, documents):
    source, rows = table(b.people)
    one = index(m.nation(b.people, 1), "civil")
    for kind, ending, name in (("sqlite", "db", "sqlite3 -csv"), ("pgdump", "dump", "pg_restore -f -"),
                               ("mysqldump", "sql", None), ("dbf", "dbf", None)):
        made = m.make(f"civil-{rows}x8.{ending}", lambda part, k=kind: m.run_quiet(
            [sys.executable, "tests/tools/make_dbfile.py", k, source, part]))
        what = f"{kind}, {rows:,} x 8"
        measure(b, "databases", what, made, one, rows, scan_command, documents)
        if name is not None:
            peer(b, "databases", name, what, made)
