"""Databases as files, made from a synthetic nation by tests/tools, scanned by the real program.

usage: dbfiles.py KULLA
"""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import traceback
import zipfile

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "tools"
ROWS = 900
KULLA = str(pathlib.Path(sys.argv[1]).resolve())


def run(*args):
    p = subprocess.run(args, capture_output=True, text=True, timeout=300, check=False)
    if p.returncode not in (0, 1, 4):
        raise AssertionError(f"{args[0]} gave up with {p.returncode}: {p.stderr[-500:]}")
    return p.stdout


def make(tool, *args):
    run(sys.executable, str(TOOLS / tool), *args)


class Nation:
    def __init__(self, folder):
        self.folder = folder
        run(KULLA, "synth", "--people", "3000", "--seed", "7", "--out", folder, "--leaks", "none")
        self.key = self.path("kulla.key")
        run(KULLA, "keygen", self.key)
        self.indexes = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def index(self, register):
        if register not in self.indexes:
            out = self.path(register + ".kidx")
            run(KULLA, "register", "build", "--schema", self.path(register + ".yaml"), "--key",
                self.key, "-o", out, self.path(register + ".csv"))
            self.indexes[register] = out
        return self.indexes[register]

    def sample(self, register):
        """The first ROWS rows as a file of their own; (path, how many there are)."""
        out = self.path(register + "-sample.csv")
        with open(self.path(register + ".csv"), encoding="utf-8") as f:
            lines = f.readlines()[:ROWS + 1]
        with open(out, "w", encoding="utf-8") as f:
            f.writelines(lines)
        return out, len(lines) - 1

    def scan(self, path, register):
        out = run(KULLA, "scan", "--index", self.index(register), "--key", self.key, "--jobs", "1",
                  "--format", "json", path)
        found = [json.loads(line) for line in out.splitlines()]
        found = [one for one in found if one.get("path") == path]
        assert len(found) == 1, f"{len(found)} findings"
        b = found[0]["bytes"]
        assert b["seen"] == os.path.getsize(path) == b["inspected"] + b["not_inspected"], b
        return found[0]


def codes(finding):
    return {one["code"] for one in finding["anomalies"]}


def expect_rows(finding, n):
    rows = sum(one["rows"] for one in finding["registers"])
    assert rows >= 0.99 * n, f"{rows} of {n} rows"
    assert finding["bytes"]["not_inspected"] == 0, finding["bytes"]


def access(nation, register, *options):
    source, n = nation.sample(register)
    path = nation.path("leak.mdb")
    make("make_access.py", source, path, *options)
    finding = nation.scan(path, register)
    expect_rows(finding, n)
    return finding


def test_access_2000(nation):
    """an Access 2000 database"""
    assert not codes(access(nation, "salaries"))


def test_access_dates(nation):
    """an Access 2000 database whose birth dates are numbers"""
    access(nation, "civil")


def test_access_2007(nation):
    """an Access 2007 database"""
    access(nation, "salaries", "--version", "2")


def test_access_encoded(nation):
    """an encoded Access database"""
    assert "jet.encoded" in codes(access(nation, "salaries", "--key", "0x12345678"))


def test_access_encrypted(nation):
    """an encrypted Access database is not inspected"""
    source, _ = nation.sample("salaries")
    path = nation.path("leak.accdb")
    make("make_access.py", source, path, "--version", "3", "--key", "0x12345678")
    finding = nation.scan(path, "salaries")
    assert finding["bytes"]["not_inspected"] == os.path.getsize(path)
    assert finding["not_inspected"][0]["reason"] == "encrypted"


def test_access_memos(nation):
    """the memos of an Access database"""
    source, n = nation.sample("salaries")
    memos = nation.path("memos.csv")
    with open(source, encoding="utf-8") as f:
        _, *rows = f.read().splitlines()
    with open(memos, "w", encoding="utf-8") as f:
        f.write("no,words\n")
        for i, row in enumerate(rows):
            f.write(f"{i},{' '.join(row.split(','))}\n")
    path = nation.path("leak.mdb")
    make("make_access.py", memos, path)
    expect_rows(nation.scan(path, "salaries"), n)


def test_access_cut(nation):
    """half an Access database"""
    source, _ = nation.sample("salaries")
    path = nation.path("leak.mdb")
    make("make_access.py", source, path)
    os.truncate(path, os.path.getsize(path) // 2)
    finding = nation.scan(path, "salaries")
    assert finding["registers"][0]["rows"] > nation.sample("salaries")[1] / 4


def dbfile(nation, kind, name, share=1.0):
    source, n = nation.sample("salaries")
    path = nation.path(name)
    make("make_dbfile.py", kind, source, path)
    expect_rows(nation.scan(path, "salaries"), n * share)
    return path


def test_sqlite(nation):
    """a SQLite database"""
    dbfile(nation, "sqlite", "leak.db")


def test_sqlite_wal(nation):
    """a write-ahead log of SQLite"""
    dbfile(nation, "sqlite-wal", "leak.db-wal")


def test_sqlite_deleted(nation):
    """rows deleted from a SQLite database"""
    # What the free lists overwrite is gone: up to a page, and the heads of some rows.
    for which, least in (("1", 0.95), ("rowid % 2", 0.8)):
        path = dbfile(nation, "sqlite", "leak.db")
        db = sqlite3.connect(path)
        n = db.execute("SELECT count(*) FROM paga").fetchone()[0]
        db.execute("PRAGMA secure_delete = OFF")
        db.execute("DELETE FROM paga WHERE " + which)
        db.commit()
        db.close()
        rows = nation.scan(path, "salaries")["registers"][0]["rows"]
        assert rows >= least * n, f"{rows} of {n}"


def test_dbf(nation):
    """a dBASE table, deleted records too"""
    dbfile(nation, "dbf", "leak.dbf")


def test_mysqldump(nation):
    """a dump of mysqldump"""
    dbfile(nation, "mysqldump", "leak.sql")


def test_pgdump(nation):
    """an archive of pg_dump"""
    dbfile(nation, "pgdump", "leak.dump")


def test_zipped(nation):
    """databases in a zip"""
    source, n = nation.sample("salaries")
    path = nation.path("leak.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        make("make_access.py", source, nation.path("a.mdb"), "--rows", str(n // 2))
        z.write(nation.path("a.mdb"), "a.mdb")
        make("make_dbfile.py", "dbf", source, nation.path("b.dbf"))
        z.write(nation.path("b.dbf"), "b.dbf")
    expect_rows(nation.scan(path, "salaries"), n)


def test_long_member(nation):
    """a database in a zip, longer than memory holds"""
    source, n = nation.sample("salaries")
    for tool, args in (("make_access.py", []), ("make_dbfile.py", ["sqlite"])):
        long = nation.path("long.bin")
        make(tool, *args, source, long)
        with open(long, "r+b") as f:
            f.truncate(40 << 20)
        path = nation.path("leak.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
            z.write(long, "long.bin")
        expect_rows(nation.scan(path, "salaries"), n)


def main():
    tests = [(name, f) for name, f in globals().items() if name.startswith("test_")]
    print("TAP version 13")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        nation = Nation(folder)
        for number, (_, test) in enumerate(tests, 1):
            try:
                test(nation)
                print(f"ok {number} {test.__doc__}")
            except Exception:  # a failure of any kind is a failed test
                bad += 1
                print("\n".join("# " + line for line in traceback.format_exc().splitlines()))
                print(f"not ok {number} {test.__doc__}")
    print(f"1..{len(tests)}")
    return 1 if bad else 0


sys.exit(main())
