#!/usr/bin/env python3
"""Writes a CSV file as a database file, for tests: make_dbfile.py KIND IN.csv OUT [--rows N]

KIND: sqlite, sqlite-wal (the log alone), dbf, mysqldump, pgdump (custom format).
"""
import argparse
import csv
import os
import shutil
import sqlite3
import struct
import tempfile
import zlib


def fill(path, names, rows, log):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA page_size = 1024")
    if log:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("CREATE TABLE paga (" + ", ".join(names) + ")")
    db.execute("BEGIN")
    db.executemany(f"INSERT INTO paga VALUES ({', '.join('?' * len(names))})", rows)
    db.execute("CREATE INDEX emri ON paga (" + names[1] + ")")
    db.execute("COMMIT")
    return db


def sqlite(out, names, rows):
    if os.path.exists(out):
        os.remove(out)
    fill(out, names, rows, False).close()


def sqlite_wal(out, names, rows):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.db")
        db = fill(path, names, rows, True)
        shutil.copyfile(path + "-wal", out)
        db.close()


def dbf(out, names, rows):
    """dBASE III, DOS code page 852; every tenth record is deleted."""
    widths = [max(1, *(len(r[i].encode("cp852", "replace")) for r in rows)) for i in range(len(names))]
    head = bytearray(32)
    struct.pack_into("<4BIHH", head, 0, 3, 125, 1, 31, len(rows), 33 + 32 * len(names),
                     1 + sum(widths))
    head[29] = 0x64
    for name, width in zip(names, widths):
        head += name.upper()[:10].encode().ljust(11, b"\0") + b"C" + bytes(4)
        head += bytes([width, 0]) + bytes(14)
    with open(out, "wb") as f:
        f.write(head + b"\r")
        for i, row in enumerate(rows):
            f.write(b"*" if i % 10 == 9 else b" ")
            for value, width in zip(row, widths):
                f.write(value.encode("cp852", "replace").ljust(width))
        f.write(b"\x1a")


def mysqldump(out, names, rows):
    """As mysqldump writes it: many rows an INSERT, one line."""
    def quote(s):
        for a, b in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n")):
            s = s.replace(a, b)
        return f"'{s}'"
    with open(out, "w", encoding="utf-8") as f:
        f.write("-- MySQL dump 10.19\n/*!40101 SET NAMES utf8mb4 */;\nDROP TABLE IF EXISTS `paga`;\n")
        f.write("CREATE TABLE `paga` (" + ", ".join(f"`{n}` varchar(60)" for n in names) + ");\n")
        f.write("LOCK TABLES `paga` WRITE;\n")
        for at in range(0, len(rows), 500):
            tuples = ("(" + ",".join(map(quote, row)) + ")" for row in rows[at:at + 500])
            f.write("INSERT INTO `paga` VALUES " + ",".join(tuples) + ";\n")
        f.write("UNLOCK TABLES;\n")


def pgdump(out, names, rows):
    """An archive of version 1.14, gzip, as pg_dump -Fc of PostgreSQL 12 to 15 writes it."""
    def number(v):
        return bytes([v < 0]) + struct.pack("<I", abs(v))

    def string(s):
        return number(-1) if s is None else number(len(s)) + s.encode()
    head = b"PGDMP" + bytes([1, 14, 0, 4, 8, 1]) + number(-1)
    head += b"".join(number(v) for v in (0, 0, 12, 1, 1, 125, 0))
    head += string("shteti") + string("15.18") + string("15.18") + number(1)
    entry = number(7) + number(1) + string("0") + string("16389") + string("paga")
    entry += string("TABLE DATA") + number(3) + string("") + string("")
    entry += string("COPY public.paga (" + ", ".join(names) + ") FROM stdin;\n")
    entry += string("public") + string(None) + string(None) + string("postgres") + string("false")
    entry += string(None) + bytes([1]) + bytes(8)
    data = "".join("\t".join(row) + "\n" for row in rows) + "\\.\n\n\n"
    packed = zlib.compress(data.encode(), 6)
    with open(out, "wb") as f:
        f.write(head + entry + b"\1" + number(7))
        for at in range(0, len(packed), 4096):
            piece = packed[at:at + 4096]
            f.write(number(len(piece)) + piece)
        f.write(number(0))


KINDS = {"sqlite": sqlite, "sqlite-wal": sqlite_wal, "dbf": dbf, "mysqldump": mysqldump,
         "pgdump": pgdump}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("kind", choices=KINDS)
    p.add_argument("source")
    p.add_argument("out")
    p.add_argument("--rows", type=int, default=1 << 30)
    o = p.parse_args()
    with open(o.source, encoding="utf-8", newline="") as f:
        names, *rows = list(csv.reader(f))[:o.rows + 1]
    KINDS[o.kind](o.out, names, rows)


main()
