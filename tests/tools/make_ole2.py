#!/usr/bin/env python3
"""Writes a CSV file as an old Office file, for tests: make_ole2.py KIND IN.csv OUT [--rows N]

KIND: msg (Outlook: half of the rows in the body, half in an attachment, a message in it), doc
(Word 97: a table), doc-fast (the same in many pieces, 8-bit and UTF-16 by turns), ppt (PowerPoint
97: a line for each row).
"""
import argparse
import csv
import struct

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR, SHORT, CUTOFF = 512, 64, 4096


class File:
    """A compound file: entries are (name, type, parent, bytes); 0 is the root."""

    def __init__(self):
        self.entries = [("Root Entry", 5, 0, b"")]

    def storage(self, parent, name):
        self.entries.append((name, 1, parent, b""))
        return len(self.entries) - 1

    def stream(self, parent, name, data):
        self.entries.append((name, 2, parent, data))

    def write(self, path):
        sectors, table, short, short_table, starts = [], [], b"", [], {}

        def chain(data):
            first = len(sectors)
            parts = [data[i:i + SECTOR].ljust(SECTOR, b"\0") for i in range(0, len(data), SECTOR)]
            for i, part in enumerate(parts):
                sectors.append(part)
                table.append(END if i + 1 == len(parts) else first + i + 1)
            return first if parts else END

        for i, (_, kind, _, data) in enumerate(self.entries):
            starts[i] = END
            if kind == 2 and len(data) >= CUTOFF:
                starts[i] = chain(data)
            elif kind == 2 and data:
                starts[i] = len(short_table)
                n = (len(data) + SHORT - 1) // SHORT
                short += data.ljust(n * SHORT, b"\0")
                short_table += [starts[i] + k + 1 for k in range(n - 1)] + [END]
        starts[0] = chain(short)
        short_at = chain(struct.pack(f"<{len(short_table)}I", *short_table))
        directory = b""
        below = {}
        for i, (_, _, parent, _) in enumerate(self.entries[1:], 1):
            below.setdefault(parent, []).append(i)
        right = {a: b for list_ in below.values() for a, b in zip(list_, list_[1:])}
        for i, (name, kind, _, data) in enumerate(self.entries):
            wide = name.encode("utf-16-le")
            size = len(short) if i == 0 else len(data)
            directory += struct.pack("<64sHBBIII16sIQQIQ", wide, len(wide) + 2, kind, 1, FREE,
                                     right.get(i, FREE), below.get(i, [FREE])[0], b"", 0, 0, 0,
                                     starts[i], size)
        directory_at = chain(directory)
        n_fat = 1
        while n_fat * 128 < len(sectors) + n_fat:
            n_fat += 1
        fat_at = len(sectors)
        table += [FAT] * n_fat
        table += [FREE] * (n_fat * 128 - len(table))
        fat = struct.pack(f"<{len(table)}I", *table)
        head = struct.pack("<8s16sHHHHH6sIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3,
                           0xFFFE, 9, 6, b"", 0, n_fat, directory_at, 0, CUTOFF, short_at,
                           (len(short_table) * 4 + SECTOR - 1) // SECTOR, END, 0)
        if n_fat > 109:
            raise SystemExit("too many rows")
        names = [fat_at + i if i < n_fat else FREE for i in range(109)]
        with open(path, "wb") as f:
            f.write(head + struct.pack("<109I", *names) + b"".join(sectors) + fat)


def lines(rows):
    return "\r\n".join(";".join(row) for row in rows) + "\r\n"


def text_property(file, parent, number, text):
    file.stream(parent, f"__substg1.0_{number:04X}001F", text.encode("utf-16-le"))


def message(file, at, rows, more):
    file.stream(at, "__properties_version1.0", bytes(32 if at == 0 else 24))
    text_property(file, at, 0x0037, "Lista e punonjësve")
    text_property(file, at, 0x0E04, "dikush@example.invalid")
    half = len(rows) // 2
    text_property(file, at, 0x1000, lines(rows[:half]))
    recipient = file.storage(at, "__recip_version1.0_#00000000")
    text_property(file, recipient, 0x3001, "Dikush Shembull")
    attached = file.storage(at, "__attach_version1.0_#00000000")
    text_property(file, attached, 0x3707, "lista e punonjësve.csv")
    rest = rows[half:]
    if more:
        quarter = len(rest) // 2
        rest, inner = rest[:quarter], rest[quarter:]
        file.stream(attached, "__substg1.0_37010102", lines(rest).encode())
        second = file.storage(at, "__attach_version1.0_#00000001")
        message(file, file.storage(second, "__substg1.0_3701000D"), inner, False)
    else:
        file.stream(attached, "__substg1.0_37010102", lines(rest).encode())


def msg(out, rows):
    file = File()
    message(file, 0, rows, True)
    file.write(out)


def word(out, rows, pieces):
    """The text in so many pieces; odd ones as cp1252."""
    text = "Lista\r" + "".join("\7".join(row) + "\7\7" for row in rows) + "fund\r"
    size = (len(text) + pieces - 1) // pieces
    main, cps, pcds = bytearray(2048), [0], b""
    for i in range(0, len(text), size):
        part = text[i:i + size]
        narrow = pieces > 1 and (i // size) % 2 == 1
        at = len(main)
        main += part.encode("cp1252", "replace") if narrow else part.encode("utf-16-le")
        cps.append(cps[-1] + len(part))
        pcds += struct.pack("<HIH", 0, at * 2 | 0x40000000 if narrow else at, 0)
        main += bytes(len(main) % 2)
    plc = struct.pack(f"<{len(cps)}I", *cps) + pcds
    clx = b"\2" + struct.pack("<I", len(plc)) + plc
    struct.pack_into("<HH", main, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", main, 10, 0x0200)
    struct.pack_into("<II", main, 0x1A2, 16, len(clx))
    file = File()
    file.stream(0, "WordDocument", bytes(main).ljust(CUTOFF, b"\0"))
    file.stream(0, "1Table", (bytes(16) + clx).ljust(CUTOFF, b"\0"))
    file.write(out)


def ppt(out, rows):
    atoms = b""
    for i, row in enumerate(rows):
        text = "\t".join(row)
        data = text.encode("utf-16-le")
        kind = 0x0FA0
        if i % 2 == 1:
            data, kind = text.encode("latin-1", "replace"), 0x0FA8
        atoms += struct.pack("<HHI", 0, kind, len(data)) + data
    file = File()
    file.stream(0, "PowerPoint Document", struct.pack("<HHI", 15, 1000, len(atoms)) + atoms)
    file.write(out)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("kind", choices=["msg", "doc", "doc-fast", "ppt"])
    p.add_argument("table")
    p.add_argument("out")
    p.add_argument("--rows", type=int, default=500)
    o = p.parse_args()
    with open(o.table, encoding="utf-8", newline="") as f:
        rows = list(csv.reader(f))[1:o.rows + 1]
    if o.kind == "msg":
        msg(o.out, rows)
    elif o.kind == "ppt":
        ppt(o.out, rows)
    else:
        word(o.out, rows, 1 if o.kind == "doc" else 60)


main()
