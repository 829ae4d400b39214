#!/usr/bin/env python3
"""Writes a CSV as an office document: gen_office.py ods|xlsb|xls|docx TABLE.csv OUT [ROWS]

As the office programs write them, with shared strings in xlsb and xls. Nothing but the standard
library: what is measured is not what wrote it.
"""
import csv
import struct
import sys
import zipfile
from xml.sax.saxutils import escape

TYPES = ('<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/'
         'package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.'
         'openxmlformats-package.relationships+xml"/>%s</Types>')
RELS = ('<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.'
        'openxmlformats.org/package/2006/relationships">%s</Relationships>')
REL = ('<Relationship Id="%s" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
       'relationships/%s" Target="%s"/>')


def rows_of(table, limit):
    with open(table, encoding="utf-8", newline="") as f:
        for i, row in enumerate(csv.reader(f)):
            if i >= limit:
                return
            yield row


def is_number(text):
    return text.isdigit() and len(text) < 9 and text[0] != "0"


# ---- ods ----

def write_ods(rows, out):
    spaces = "".join(f' xmlns:{name}="urn:{urn}"' for name, urn in (
        ("office", "oasis:names:tc:opendocument:xmlns:office:1.0"),
        ("table", "oasis:names:tc:opendocument:xmlns:table:1.0"),
        ("text", "oasis:names:tc:opendocument:xmlns:text:1.0"),
        ("calcext", "org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0")))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as z:
        z.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet",
                   zipfile.ZIP_STORED)
        z.writestr("META-INF/manifest.xml",
                   '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:'
                   'manifest:1.0" manifest:version="1.2"><manifest:file-entry manifest:full-path'
                   '="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
                   '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type='
                   '"text/xml"/></manifest:manifest>')
        with z.open("content.xml", "w", force_zip64=True) as f:
            f.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content{spaces} '
                    'office:version="1.2"><office:body><office:spreadsheet><table:table '
                    'table:name="Paga">'.encode())
            for row in rows:
                cells = "".join(ods_cell(cell) for cell in row)
                f.write(f'<table:table-row table:style-name="ro1">{cells}</table:table-row>'
                        .encode())
            f.write(b"</table:table></office:spreadsheet></office:body>"
                    b"</office:document-content>")


def ods_cell(text):
    if not text:
        return "<table:table-cell/>"
    if is_number(text):
        return (f'<table:table-cell office:value-type="float" office:value="{text}" '
                f'calcext:value-type="float"><text:p>{text}</text:p></table:table-cell>')
    return ('<table:table-cell office:value-type="string" calcext:value-type="string"><text:p>'
            f'{escape(text)}</text:p></table:table-cell>')


# ---- xlsb ----

def head12(kind, size):
    out = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    while size > 127:
        out += bytes([size & 127 | 128])
        size >>= 7
    return out + bytes([size])


def wide12(text):
    raw = text.encode("utf-16le")
    return struct.pack("<I", len(raw) // 2) + raw


def write_xlsb(rows, out):
    strings = {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as z:
        z.writestr("[Content_Types].xml", TYPES % (
            '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.'
            'macroEnabled.main"/><Override PartName="/xl/worksheets/sheet1.bin" ContentType="'
            'application/vnd.ms-excel.worksheet"/><Override PartName="/xl/sharedStrings.bin" '
            'ContentType="application/vnd.ms-excel.sharedStrings"/>'))
        z.writestr("_rels/.rels", RELS % REL % ("rId1", "officeDocument", "xl/workbook.bin"))
        z.writestr("xl/_rels/workbook.bin.rels", RELS % (
            REL % ("rId1", "worksheet", "worksheets/sheet1.bin") +
            REL % ("rId2", "sharedStrings", "sharedStrings.bin")))
        sheet = struct.pack("<II", 0, 1) + wide12("rId1") + wide12("Paga")
        z.writestr("xl/workbook.bin", head12(131, 0) + head12(143, 0) +
                   head12(156, len(sheet)) + sheet + head12(144, 0) + head12(132, 0))
        with z.open("xl/worksheets/sheet1.bin", "w") as f:
            f.write(head12(129, 0) + head12(145, 0))
            for r, row in enumerate(rows):
                span = struct.pack("<III", 1, 0, len(row) - 1)
                f.write(head12(0, 13 + 12) + struct.pack("<IIHHB", r, 0, 300, 0, 0) + span)
                f.write(b"".join(cell12(c, text, strings) for c, text in enumerate(row) if text))
            f.write(head12(146, 0) + head12(130, 0))
        with z.open("xl/sharedStrings.bin", "w") as f:
            f.write(head12(159, 8) + struct.pack("<II", len(strings), len(strings)))
            for text in strings:
                item = b"\0" + wide12(text)
                f.write(head12(19, len(item)) + item)
            f.write(head12(160, 0))


def cell12(col, text, strings):
    if is_number(text):
        return head12(2, 12) + struct.pack("<III", col, 0, int(text) << 2 | 2)
    return head12(7, 12) + struct.pack("<III", col, 0, strings.setdefault(text, len(strings)))


# ---- xls ----

def rec8(kind, payload=b""):
    return struct.pack("<HH", kind, len(payload)) + payload


def sst8(strings):
    """SST and its CONTINUEs: a string is split inside its text where a record is full."""
    out, now, kind = [], struct.pack("<II", len(strings), len(strings)), 0xFC
    for text in strings:
        narrow = all(ord(c) < 256 for c in text)
        raw = text.encode("latin-1" if narrow else "utf-16le")
        width = 1 if narrow else 2
        if len(now) + 3 > 8224:
            out.append(rec8(kind, now))
            now, kind = b"", 0x3C
        now += struct.pack("<HB", len(text), not narrow)
        while raw:
            room = (8224 - len(now)) // width * width
            now += raw[:room]
            raw = raw[room:]
            if raw:
                out.append(rec8(kind, now))
                now, kind = bytes([not narrow]), 0x3C
    return b"".join(out) + rec8(kind, now)


def cell8(row, col, text, strings):
    if is_number(text):
        return rec8(0x27E, struct.pack("<HHHI", row, col, 15, int(text) << 2 | 2))
    return rec8(0xFD, struct.pack("<HHHI", row, col, 15, strings.setdefault(text, len(strings))))


def write_xls(rows, out):
    strings, cells = {}, []
    for r, row in enumerate(rows):
        cells.append(b"".join(cell8(r, c, text, strings) for c, text in enumerate(row) if text))
    sheet = rec8(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 6)) + b"".join(cells) + \
        rec8(0x0A)
    table = sst8(strings)
    font = rec8(0x31, struct.pack("<HHHHHBBBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0, 5, 0) +
                b"Arial")
    formats = b"".join(rec8(0xE0, struct.pack("<HHH", 0, 0, 0xFFF5 if i < 15 else 1) +
                            b"\x20\0\0\0\0\0\0\0\0\0\0\0\xc0\x20") for i in range(16))
    begin = rec8(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6)) + rec8(0x42, b"\xb0\4") + \
        font * 4 + formats
    at = len(begin) + 4 + 12 + len(table) + 4
    stream = begin + rec8(0x85, struct.pack("<IBBBB", at, 0, 0, 4, 0) + b"Paga") + table + \
        rec8(0x0A) + sheet
    write_compound(stream, out)


def write_compound(stream, out):
    size = len(stream)
    stream += bytes(-size % 512)
    n = len(stream) // 512
    n_fat = n_difat = 0
    while n_fat * 128 < n + 1 + n_fat + n_difat:
        n_fat += 1
        n_difat = -(-max(n_fat - 109, 0) // 127)
    first = n_fat + n_difat
    fat = [0xFFFFFFFD] * n_fat + [0xFFFFFFFC] * n_difat + [0xFFFFFFFE]
    fat += list(range(first + 2, first + 1 + n)) + [0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (n_fat * 128 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, n_fat, first, 0, 4096, 0xFFFFFFFE, 0,
        n_fat if n_difat else 0xFFFFFFFE, n_difat)
    places = list(range(n_fat)) + [0xFFFFFFFF] * (109 + n_difat * 127 - n_fat)
    header += struct.pack("<109I", *places[:109])
    difat = b"".join(struct.pack("<128I", *places[at:at + 127], n_fat + k + 1 if k + 1 < n_difat
                                 else 0xFFFFFFFE)
                     for k, at in enumerate(range(109, len(places), 127)))

    def entry(name, kind, child, start, length):
        raw = name.encode("utf-16le")
        return raw.ljust(64, b"\0") + struct.pack(
            "<HBBIII36xIQ", len(raw) + 2 if name else 0, kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child,
            start, length)
    directory = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + \
        entry("Workbook", 2, 0xFFFFFFFF, first + 1, size) + entry("", 0, 0xFFFFFFFF, 0, 0) * 2
    with open(out, "wb") as f:
        f.write(header + struct.pack(f"<{len(fat)}I", *fat) + difat + directory + stream)


# ---- docx ----

def write_docx(rows, out):
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as z:
        z.writestr("[Content_Types].xml", TYPES % (
            '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
            'officedocument.wordprocessingml.document.main+xml"/>'))
        z.writestr("_rels/.rels", RELS % REL % ("rId1", "officeDocument", "word/document.xml"))
        with z.open("word/document.xml", "w", force_zip64=True) as f:
            f.write(b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:document xmlns:w='
                    b'"http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
                    b"<w:tbl>")
            for row in rows:
                cells = "".join(
                    '<w:tc><w:tcPr><w:tcW w:w="1000" w:type="dxa"/></w:tcPr><w:p w:rsidR="00A1">'
                    f'<w:r><w:t xml:space="preserve">{escape(cell)}</w:t></w:r></w:p></w:tc>'
                    for cell in row)
                f.write(f"<w:tr>{cells}</w:tr>".encode())
            f.write(b"</w:tbl></w:body></w:document>")


WRITERS = {"ods": write_ods, "xlsb": write_xlsb, "xls": write_xls, "docx": write_docx}


def main():
    kind, table, out = sys.argv[1:4]
    limit = int(sys.argv[4]) if len(sys.argv) > 4 else sys.maxsize
    WRITERS[kind](rows_of(table, limit), out)


if __name__ == "__main__":
    main()
