#!/usr/bin/env python3
"""Writes an Access database (Jet 4) from a CSV file, for tests:

  make_access.py IN.csv OUT.mdb [--rows N] [--key K] [--version V]

Two tables: `paga` with the columns of the CSV (`salary` as money, dates as dates, the rest as text:
every third row compressed, every third as UTF-16), and `shenime` with a memo for each row: in the
row, on a page of long values, or in two pieces, by turns. --key encodes the pages as Jet does.
The layout is that of jet_make.h; the usage maps are there too, so that mdb-export reads it.
"""
import argparse
import csv
import datetime
import struct

PAGE = 4096
TEXT, MONEY, DATE, LONG, MEMO = 10, 5, 8, 4, 12
FIXED = {MONEY: 8, DATE: 8, LONG: 4, 3: 2}


def rc4(key, data):
    s = list(range(256))
    j = 0
    for i in range(256):
        j = (j + s[i] + key[i % len(key)]) & 255
        s[i], s[j] = s[j], s[i]
    out = bytearray()
    i = j = 0
    for b in data:
        i = (i + 1) & 255
        j = (j + s[i]) & 255
        s[i], s[j] = s[j], s[i]
        out.append(b ^ s[(s[i] + s[j]) & 255])
    return bytes(out)


class Database:
    def __init__(self, version, key):
        self.pages = []
        self.key = key
        head = bytearray(PAGE)
        head[0:4] = b"\0\1\0\0"
        head[4:20] = (b"Standard ACE DB\0" if version >= 2 else b"Standard Jet DB\0")
        head[0x14] = version
        struct.pack_into("<HI", head, 0x3C, 1252, key)
        head[0x18:0x18 + 128] = rc4(b"\xc7\xda\x39\x6b", head[0x18:0x18 + 128])
        self.pages.append(head)
        self.maps = self.add_data(1)

    def add_page(self):
        self.pages.append(bytearray(PAGE))
        return len(self.pages) - 1

    def add_data(self, owner):
        no = self.add_page()
        self.pages[no][0:2] = b"\1\1"
        self.pages[no][4:8] = b"LVAL" if owner == "LVAL" else struct.pack("<I", owner)
        return no

    def put(self, no, row, flags=0):
        """Put a row on a page; its number, or None when there is no room."""
        page = self.pages[no]
        n = struct.unpack_from("<H", page, 12)[0]
        end = PAGE if n == 0 else struct.unpack_from("<H", page, 14 + 2 * n - 2)[0] & 0x1FFF
        if 14 + 2 * n + 2 + len(row) > end:
            return None
        page[end - len(row):end] = row
        struct.pack_into("<H", page, 14 + 2 * n, end - len(row) | flags)
        struct.pack_into("<H", page, 12, n + 1)
        struct.pack_into("<H", page, 2, end - len(row) - (14 + 2 * n + 2))
        return n

    def write(self, path):
        with open(path, "wb") as f:
            for no, page in enumerate(self.pages):
                encoded = no > 0 and self.key != 0
                f.write(rc4(struct.pack("<I", self.key ^ no), page) if encoded else page)


class Table:
    def __init__(self, db, columns):
        self.db = db
        self.columns = columns
        self.no = db.add_page()
        self.data = None
        self.n_rows = 0
        self.used = bytearray(5 + 64)
        self.map_row = db.put(db.maps, self.used)
        definition = bytearray(63)
        definition[0:2] = b"\2\1"
        n_var = sum(kind not in FIXED for _, kind in columns)
        definition[40] = 0x4E
        struct.pack_into("<HHH", definition, 41, len(columns), n_var, len(columns))
        struct.pack_into("<I", definition, 55, db.maps << 8 | self.map_row)
        struct.pack_into("<I", definition, 59, db.maps << 8 | self.map_row)
        fixed_at = var = 0
        for i, (_, kind) in enumerate(columns):
            c = bytearray(25)
            c[0] = kind
            struct.pack_into("<HHH", c, 5, i, 0 if kind in FIXED else var, i)
            c[15] = 3 if kind in FIXED else 2
            c[16] = 1
            struct.pack_into("<HH", c, 21, fixed_at if kind in FIXED else 0, FIXED.get(kind, 510))
            definition += c
            fixed_at += FIXED.get(kind, 0)
            var += kind not in FIXED
        for name, _ in columns:
            raw = name.encode("utf-16le")
            definition += struct.pack("<H", len(raw)) + raw
        definition += b"\xff\xff"
        struct.pack_into("<I", definition, 8, len(definition))
        db.pages[self.no][:len(definition)] = definition

    def add(self, values):
        row = self.encode(values)
        if self.data is None or self.db.put(self.data, row) is None:
            self.data = self.db.add_data(self.no)
            self.used[5 + self.data // 8] |= 1 << self.data % 8
            if self.db.put(self.data, row) is None:
                raise ValueError("a row longer than a page")
        self.n_rows += 1

    def encode(self, values):
        fixed = b"".join((v if v is not None else bytes(FIXED[k]))
                         for v, (_, k) in zip(values, self.columns) if k in FIXED)
        row = struct.pack("<H", len(values)) + fixed
        starts = []
        for v, (_, kind) in zip(values, self.columns):
            if kind not in FIXED:
                starts.append(len(row))
                row += v or b""
        starts.append(len(row))
        if len(starts) > 1:
            row += b"".join(struct.pack("<H", at) for at in reversed(starts))
            row += struct.pack("<H", len(starts) - 1)
        nulls = bytearray((len(values) + 7) // 8)
        for i, v in enumerate(values):
            nulls[i // 8] |= (v is not None) << i % 8
        return row + bytes(nulls)

    def finish(self):
        page = self.db.pages[self.db.maps]
        at = struct.unpack_from("<H", page, 14 + 2 * self.map_row)[0]
        page[at:at + len(self.used)] = self.used
        struct.pack_into("<I", self.db.pages[self.no], 16, self.n_rows)


def text(s, compressed):
    """Text as Jet 4 stores it; compressed only when all of it is Latin-1 without a zero."""
    try:
        if compressed and s:
            return b"\xff\xfe" + s.encode("latin-1")
    except UnicodeEncodeError:
        pass
    return s.encode("utf-16le")


def date(s):
    days = (datetime.date.fromisoformat(s) - datetime.date(1899, 12, 30)).days
    return struct.pack("<d", days)


def cell(value, kind, i):
    if value == "":
        return None
    if kind == MONEY:
        return struct.pack("<q", round(float(value) * 10000))
    if kind == DATE:
        return date(value)
    return text(value, i % 3 != 1)


class Memos:
    """Long values, each on pages of their own kind."""

    def __init__(self, db):
        self.db = db
        self.page = None

    def put(self, row):
        no = None if self.page is None else self.db.put(self.page, row)
        if no is None:
            self.page = self.db.add_data("LVAL")
            no = self.db.put(self.page, row)
        return self.page << 8 | no

    def value(self, s, how):
        raw = text(s, how != 1)
        if how == 0:
            return struct.pack("<III", len(raw) | 0x80000000, 0, 0) + raw
        if how == 1:
            return struct.pack("<III", len(raw) | 0x40000000, self.put(raw), 0)
        cut = len(raw) // 2 & ~1
        second = self.put(struct.pack("<I", 0) + raw[cut:])
        first = self.put(struct.pack("<I", second) + raw[:cut])
        return struct.pack("<III", len(raw), first, 0)


def catalogue(db):
    return Table(db, [("Id", LONG), ("ParentId", LONG), ("Name", TEXT), ("Type", 3),
                      ("DateCreate", DATE), ("DateUpdate", DATE), ("Owner", 9), ("Flags", LONG), ("LvProp", 11)])


def note(entries, table, name):
    entries.add([struct.pack("<I", table.no), struct.pack("<I", 0x0F000001), text(name, True),
                 struct.pack("<h", 1), date("2025-01-01"), date("2025-01-01"), None,
                 struct.pack("<I", 0), None])


def kind_of(name):
    return MONEY if name == "salary" else DATE if name == "birth_date" else TEXT


def main():
    p = argparse.ArgumentParser()
    p.add_argument("source")
    p.add_argument("out")
    p.add_argument("--rows", type=int, default=1 << 30)
    p.add_argument("--key", type=lambda s: int(s, 0), default=0)
    p.add_argument("--version", type=int, default=1)
    o = p.parse_args()
    with open(o.source, encoding="utf-8", newline="") as f:
        names, *rows = list(csv.reader(f))[:o.rows + 1]
    db = Database(o.version, o.key)
    entries = catalogue(db)
    kinds = [kind_of(name) for name in names]
    table = Table(db, list(zip(names, kinds)))
    notes = Table(db, [("id", LONG), ("shenim", MEMO)])
    note(entries, entries, "MSysObjects")
    note(entries, table, "paga")
    note(entries, notes, "shenime")
    memos = Memos(db)
    for i, row in enumerate(rows):
        table.add([cell(v, k, i) for v, k in zip(row, kinds)])
        words = f"Shënim për {row[1]}: kërkesa nr. {i} u shqyrtua dhe u miratua pa vërejtje."
        notes.add([struct.pack("<I", i), memos.value(words, i % 3)])
    for one in (entries, table, notes):
        one.finish()
    db.write(o.out)


main()
