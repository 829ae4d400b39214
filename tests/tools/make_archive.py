#!/usr/bin/env python3
"""Writes one file into an archive of any kind that kulla reads, for tests.

usage: make_archive.py KIND IN OUT [PASSWORD]

KIND is one of the names in KINDS below. What Python cannot write is written by bsdtar and 7z, or by
hand, stored (rar, cab, lha): nobody's compressor for them is free.
"""
import bz2
import gzip
import io
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib

NAME = "lista.csv"


def call(*args, cwd=None):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=cwd)


def in_folder(data, command):
    """Runs command(folder, out) beside a file NAME of that data; the bytes of out."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, NAME), "wb") as f:
            f.write(data)
        out = os.path.join(folder, "out.bin")
        command(folder, out)
        with open(out, "rb") as f:
            return f.read()


def bsdtar(*options):
    return lambda data, password: in_folder(
        data, lambda folder, out: call("bsdtar", *options, "-cf", out, NAME, cwd=folder))


def seven_zip(*options):
    def make(data, password):
        more = ["-p" + password] if password else []
        return in_folder(data, lambda folder, out: call("7z", "a", *options, *more, out, NAME,
                                                        cwd=folder))
    return make


def tar(form):
    def make(data, password):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as t:
            info = tarfile.TarInfo(NAME)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
        return out.getvalue()
    return make


def rar4(data, password):
    def block(kind, flags, body):
        head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
        return struct.pack("<H", zlib.crc32(head) & 0xffff) + head
    name = NAME.encode()
    body = struct.pack("<IIBIIBBHI", len(data), len(data), 3, zlib.crc32(data), 0x5a000000, 29, 0x30,
                       len(name), 0x20) + name
    return (b"Rar!\x1a\x07\x00" + block(0x73, 0, bytes(6)) + block(0x74, 0x8000, body) + data +
            block(0x7b, 0x4000, b""))


def vint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def rar5(data, password):
    def block(body):
        head = vint(len(body)) + body
        return struct.pack("<I", zlib.crc32(head)) + head
    name = NAME.encode()
    body = (vint(2) + vint(2) + vint(len(data)) + vint(4) + vint(len(data)) + vint(0) +
            struct.pack("<I", zlib.crc32(data)) + vint(0) + vint(0) + vint(len(name)) + name)
    return (b"Rar!\x1a\x07\x01\x00" + block(bytes([1, 0, 0])) + block(body) + data +
            block(bytes([5, 0, 0])))


def lha(data, password):
    crc = 0
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0xA001 if i & 1 else 0)
        table.append(i)
    for c in data:
        crc = crc >> 8 ^ table[(crc ^ c) & 255]
    name = NAME.encode()
    head = (b"-lh0-" + struct.pack("<IIIBB", len(data), len(data), 0, 0x20, 0) +
            bytes([len(name)]) + name + struct.pack("<H", crc))
    return bytes([len(head), sum(head) & 255]) + head + data + b"\0"


def cab(data, password):
    name = NAME.encode() + b"\0"
    blocks = [data[i:i + 32768] for i in range(0, len(data), 32768)]
    at = 44 + 16 + len(name)
    size = at + sum(8 + len(b) for b in blocks)
    out = b"MSCF" + struct.pack("<IIIIIHHHHHH", 0, size, 0, 44, 0, 0x103, 1, 1, 0, 0, 0)
    out += struct.pack("<IHH", at, len(blocks), 0)
    out += struct.pack("<IIHIH", len(data), 0, 0, 0x5a215a21, 0x20) + name
    return out + b"".join(struct.pack("<IHH", 0, len(b), len(b)) + b for b in blocks)


def zipped(method):
    def make(data, password):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as z:
            z.writestr(NAME, data)
        return out.getvalue()
    return make


def behind(head, kind):
    return lambda data, password: head + KINDS[kind](data, password)


KINDS = {
    "gz": lambda data, password: gzip.compress(data),
    "bz2": lambda data, password: bz2.compress(data),
    "xz": lambda data, password: lzma.compress(data),
    "lzma": lambda data, password: lzma.compress(data, lzma.FORMAT_ALONE),
    "zlib": lambda data, password: zlib.compress(data),
    "lzip": bsdtar("--format", "raw", "--lzip"),
    "zst": bsdtar("--format", "raw", "--zstd"),
    "lz4": bsdtar("--format", "raw", "--lz4"),
    "Z": bsdtar("--format", "raw", "--compress"),
    "ustar": tar(tarfile.USTAR_FORMAT),
    "gnutar": tar(tarfile.GNU_FORMAT),
    "pax": tar(tarfile.PAX_FORMAT),
    "v7tar": bsdtar("--format", "v7tar"),
    "tgz": bsdtar("--gzip"),
    "cpio": bsdtar("--format", "newc"),
    "odc": bsdtar("--format", "odc"),
    "ar": bsdtar("--format", "arbsd"),
    "iso": bsdtar("--format", "iso9660"),
    "7z": seven_zip(),
    "7z-ppmd": seven_zip("-m0=PPMd"),
    "7z-bzip2": seven_zip("-m0=BZip2"),
    "7z-encrypted": seven_zip(),
    "7z-headers": seven_zip("-mhe=on"),
    "zip": zipped(zipfile.ZIP_DEFLATED),
    "zip-bzip2": zipped(zipfile.ZIP_BZIP2),
    "zip-lzma": zipped(zipfile.ZIP_LZMA),
    "zip-crypto": seven_zip("-tzip", "-mem=ZipCrypto"),
    "zip-aes": seven_zip("-tzip", "-mem=AES256"),
    "rar4": rar4,
    "rar5": rar5,
    "lha": lha,
    "cab": cab,
    "elf+7z": behind(b"\x7fELF\2\1\1" + bytes(range(256)) * 40, "7z"),
    "jpeg+zip": behind(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40, "zip"),
    "pdf+rar5": behind(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 40, "rar5"),
}


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in KINDS:
        sys.exit(__doc__)
    with open(sys.argv[2], "rb") as f:
        data = f.read()
    made = KINDS[sys.argv[1]](data, sys.argv[4] if len(sys.argv) == 5 else None)
    with open(sys.argv[3], "wb") as f:
        f.write(made)


if __name__ == "__main__":
    main()
