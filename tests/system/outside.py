"""PDF and pictures through the real programs: kulla synth's people, on paper. Prints TAP.

usage: outside.py KULLA
"""
import csv
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile
import zlib

KULLA = sys.argv[1]
ROWS = 50  # a page
PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def rc4(key, data):
    s, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + s[i] + key[i % len(key)]) & 255
        s[i], s[j] = s[j], s[i]
    i = j = 0
    for c in data:
        i = (i + 1) & 255
        j = (j + s[i]) & 255
        s[i], s[j] = s[j], s[i]
        out.append(c ^ s[(s[i] + s[j]) & 255])
    return bytes(out)


def assemble(objects, encrypt=""):
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (f"trailer << /Size {len(objects) + 1} /Root 1 0 R {encrypt} >>\n"
                  f"startxref\n{table}\n%%EOF\n").encode()


def stream(data, more=b"", filter_name=b"/FlateDecode"):
    return (b"<< /Length %d /Filter %s %s >>\nstream\n" % (len(data), filter_name, more) + data
            + b"\nendstream")


def page_text(lines):
    out = b"BT /F1 10 Tf 14 TL 50 790 Td\n"
    for line in lines:
        text = line.encode("cp1252", "replace")
        for c in b"\\()":
            text = text.replace(bytes([c]), b"\\" + bytes([c]))
        out += b"(" + text + b") '\n"
    return out + b"ET"


def pdf(pages, password=None, attached=None):
    """Pages are lists of lines, or (jpeg, width, height)."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]
    kids, key, encrypt = [], None, ""
    if password is not None:  # the standard handler, revision 2: 40 bits of RC4
        owner = rc4(hashlib.md5((b"owner" + PAD)[:32]).digest()[:5], (password + PAD)[:32])
        key = hashlib.md5((password + PAD)[:32] + owner + b"\xfc\xff\xff\xff" + b"id").digest()[:5]
        user = rc4(key, PAD)
        encrypt = (f"/ID [<6964> <6964>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
                   f"/O <{owner.hex()}> /U <{user.hex()}> >>")

    def add(body):
        objects.append(body)
        return len(objects)

    def coded(data):
        number = len(objects) + 1
        if key is None:
            return data
        return rc4(hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10], data)

    for page in pages:
        if isinstance(page, tuple):
            jpeg, wide, high = page
            image = add(stream(jpeg, b"/Type /XObject /Subtype /Image /Width %d /Height %d "
                               b"/ColorSpace /DeviceRGB /BitsPerComponent 8" % (wide, high),
                               b"/DCTDecode"))
            content = add(stream(zlib.compress(b"595 0 0 842 0 0 cm /I Do")))
            resources = b"/XObject << /I %d 0 R >>" % image
        else:
            content = add(stream(coded(zlib.compress(page_text(page)))))
            resources = b"/Font << /F1 3 0 R >>"
        kids.append(add(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
                        b"/Resources << %s >> >>" % (content, resources)))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (
        len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    if attached is not None:
        add(stream(zlib.compress(attached), b"/Type /EmbeddedFile"))
    return assemble(objects, encrypt)


class World:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        nation, self.key = self.folder / "nation", self.folder / "key"
        self.run("synth", "--people", "3000", "--seed", "5", "--out", nation)
        self.run("keygen", self.key)
        self.index = self.folder / "civil.kidx"
        self.run("register", "build", "--schema", nation / "civil.yaml", "--key", self.key, "-o",
                 self.index, nation / "civil.csv")
        with open(nation / "civil.csv", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))[:ROWS]
        self.lines = ["  ".join(row[c] for c in ("nid", "given", "family", "birth_date", "phone"))
                      for row in rows]
        self.table = "\n".join(",".join(row.values()) for row in rows).encode()

    @staticmethod
    def run(*args):
        subprocess.run([KULLA, *map(str, args)], check=True, stdout=subprocess.DEVNULL)

    def write(self, name, data):
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def scan(self, *paths, ocr="on", code=None, passwords=None):
        if passwords is not None:
            paths = ["--passwords", self.folder / "passwords", *paths]
            self.write("passwords", passwords).chmod(0o600)
        p = subprocess.run([KULLA, "scan", "--index", self.index, "--key", self.key, "--format",
                            "json", "--ocr", ocr, *paths], capture_output=True, text=True)
        said = [json.loads(line) for line in p.stdout.splitlines()]
        if code is not None:
            assert p.returncode == code, (p.returncode, p.stderr, said)
        for one in said:
            b = one["bytes"]
            assert b["seen"] == b["inspected"] + b["not_inspected"], one
        return said

    def draw(self, source, name, *how):
        """A page as a picture, by the program that kulla uses too."""
        subprocess.run(["pdftoppm", *how, "-f", "1", "-l", "1", "-singlefile", source,
                        self.folder / name], check=True)
        return next(self.folder.glob(name + ".*"))


def rows(finding):
    return sum(r["rows"] for r in finding["registers"])


def reasons(finding):
    return [gap["reason"] for gap in finding["not_inspected"]]


def text_of_a_pdf_is_read(w):
    path = w.write("list.pdf", pdf([w.lines[:20], w.lines[20:]]))
    found, = w.scan(path, code=1)
    assert rows(found) == ROWS and found["pending"] == 0, found
    columns = {c["name"]: c["cells"] for c in found["registers"][0]["columns"]}
    assert columns["nid"] == ROWS and columns["given"] >= 0.9 * ROWS, columns


def a_pdf_in_a_zip_and_its_attachment_are_read(w):
    inside = pdf([["nothing to see on this page"]], attached=w.table)
    path = w.folder / "box.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("deep/list.pdf", pdf([w.lines]))
        z.writestr("attached.pdf", inside)
    found, = w.scan(path, code=1)
    assert rows(found) == ROWS, found
    parts = found["registers"][0]["parts"]
    assert "/deep/list.pdf" in parts, parts
    assert any(p.startswith("/attached.pdf/attachment@") for p in parts), parts


def a_damaged_pdf_is_not_inspected(w):
    whole = pdf([w.lines])
    for cut in (20, 300):
        found, = w.scan(w.write(f"cut{cut}.pdf", whole[:cut]), code=4)
        assert reasons(found) == ["format"] and found["bytes"]["inspected"] == 0, found


def a_locked_pdf_is_encrypted_and_an_empty_password_opens(w):
    found, = w.scan(w.write("locked.pdf", pdf([w.lines], password=b"besa")), code=4)
    assert reasons(found) == ["encrypted"], found
    found, = w.scan(w.write("open.pdf", pdf([w.lines], password=b"")), code=1)
    assert rows(found) == ROWS, found


def a_password_that_is_known_opens_a_pdf(w):
    source = w.write("known.pdf", pdf([w.lines], password=b"besa"))
    found, = w.scan(source, code=4, passwords=b"agim\n")
    assert reasons(found) == ["encrypted"] and rows(found) == 0, found
    found, = w.scan(source, code=1, passwords=b"agim\nbesa\n")
    assert rows(found) == ROWS and reasons(found) == [], found
    assert "encrypted.opened" in [one["code"] for one in found["anomalies"]], found


def pictures_are_read_in_a_second_round(w):
    source = w.write("list.pdf", pdf([w.lines]))
    for dots, least in (("150", 0.9), ("300", 0.97)):
        for kind, name in (("-png", "png"), ("-jpeg", "jpg"), ("-tiff", "tif")):
            if dots == "300" and name != "png":
                continue
            picture = w.draw(source, f"page{dots}", kind, "-gray", "-r", dots)
            early, found = w.scan(picture, code=1)
            assert early["pending"] == 1 and reasons(early) == ["pending"], early
            assert early["id"] == found["id"] and found["pending"] == 0, found
            keys = found["registers"][0]["keys"]
            assert keys >= least * ROWS and rows(found) >= 0.9 * ROWS, (name, dots, found)
            picture.unlink()


def a_picture_of_a_telephone_is_read(w):
    source = w.write("list.pdf", pdf([w.lines]))
    picture = w.draw(source, "phone", "-png", "-gray", "-r", "150")
    coded = w.folder / "phone.heic"
    subprocess.run(["heif-enc", "-q", "90", picture, "-o", coded], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    early, found = w.scan(coded, code=1)
    assert reasons(early) == ["pending"] and reasons(found) == [], (early, found)
    assert rows(found) >= 0.9 * ROWS, found
    cut = w.write("cut.heic", coded.read_bytes()[:2000])
    _, found = w.scan(cut, code=4)
    assert reasons(found) == ["format"] and found["bytes"]["inspected"] == 0, found
    picture.unlink()


def a_page_that_is_a_picture_is_read(w):
    source = w.write("list.pdf", pdf([w.lines]))
    jpeg = w.draw(source, "scan", "-jpeg", "-r", "200").read_bytes()
    early, found = w.scan(w.write("scan.pdf", pdf([["a page of words, enough of them"],
                                                   (jpeg, 1653, 2339)])), code=1)
    assert early["pending"] == 1, early
    assert rows(found) >= 0.9 * ROWS, found
    assert "/page 2" in found["registers"][0]["parts"], found


def text_is_told_before_any_picture(w):
    source = w.write("list.pdf", pdf([w.lines]))
    folder = w.folder / "both"
    folder.mkdir()
    w.draw(source, "both/a", "-png", "-gray", "-r", "100")
    (folder / "b.csv").write_bytes(w.table)
    said = w.scan(folder, code=1)
    assert [(one["path"][-5:], one["pending"]) for one in said] == [
        ("a.png", 1), ("b.csv", 0), ("a.png", 0)], said


def without_ocr_a_picture_is_not_inspected(w):
    source = w.write("list.pdf", pdf([w.lines]))
    picture = w.draw(source, "off", "-png", "-gray", "-r", "50")
    found, = w.scan(picture, ocr="off", code=4)
    assert reasons(found) == ["format"] and found["anomalies"][0]["code"] == "ocr.off", found


def a_picture_from_a_pipe_is_read_too(w):
    source = w.write("list.pdf", pdf([w.lines]))
    picture = w.draw(source, "pipe", "-png", "-gray", "-r", "150")
    with open(picture, "rb") as f:
        p = subprocess.run([KULLA, "scan", "--index", w.index, "--key", w.key, "--format", "json",
                            "-"], stdin=f, capture_output=True, text=True)
    said = [json.loads(line) for line in p.stdout.splitlines()]
    assert p.returncode == 1 and rows(said[-1]) >= 0.9 * ROWS, said


def nothing_is_left_behind(w):
    left = [n for n in os.listdir("/dev/shm") if n.startswith("kulla-")]
    assert not left, left


TESTS = [text_of_a_pdf_is_read, a_pdf_in_a_zip_and_its_attachment_are_read,
         a_damaged_pdf_is_not_inspected, a_locked_pdf_is_encrypted_and_an_empty_password_opens,
         a_password_that_is_known_opens_a_pdf,
         pictures_are_read_in_a_second_round, a_picture_of_a_telephone_is_read,
         a_page_that_is_a_picture_is_read,
         text_is_told_before_any_picture, without_ocr_a_picture_is_not_inspected,
         a_picture_from_a_pipe_is_read_too, nothing_is_left_behind]


def main():
    failed = 0
    print("TAP version 13", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        w = World(folder)
        for number, test in enumerate(TESTS, 1):
            try:
                test(w)
                print(f"ok {number} {test.__name__}", flush=True)
            except Exception as e:  # pylint: disable=broad-except
                failed += 1
                print(f"# {type(e).__name__}: {str(e)[:1500]}\nnot ok {number} {test.__name__}",
                      flush=True)
    print(f"1..{len(TESTS)}")
    return failed > 0


sys.exit(main())
