"""Mail, old Office files and text of the web, made from the synthetic nation and scanned by the
real program: the leaks of `kulla synth --leaks all`, and messages and documents of
tests/tools/make_ole2.py.

usage: mail.py KULLA SANITIZERS
"""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback

KULLA = str(pathlib.Path(sys.argv[1]).resolve())
SANITIZED = sys.argv[2] != "none"
MAKE = str(pathlib.Path(__file__).resolve().parent.parent / "tools/make_ole2.py")
LEAKS = ["25m-attachment.eml", "25m2-eml-in-eml.zip", "25m3-box.mbox", "25m4-quoted-printable.eml",
         "25m5-html.eml", "25m6-winmail.dat", "25r-table.rtf", "25w-table.html", "25w2-folded.vcf",
         "25w3-spread.json", "25w4-spread.xml"]
KINDS = ["msg", "doc", "doc-fast", "ppt"]
ROWS = 600


def run(*args):
    p = subprocess.run(args, capture_output=True, text=True, timeout=300, check=False)
    if p.returncode not in (0, 1, 4):
        raise AssertionError(f"{args[0]} gave up with {p.returncode}: {p.stderr[-500:]}")
    return p.stdout


class Nation:
    def __init__(self, folder):
        self.folder = folder
        run(KULLA, "synth", "--people", "3000", "--seed", "7", "--out", folder, "--leaks", "all")
        self.key = self.path("kulla.key")
        self.index = self.path("salaries.kidx")
        run(KULLA, "keygen", self.key)
        run(KULLA, "register", "build", "--schema", self.path("salaries.yaml"), "--key", self.key,
            "-o", self.index, self.path("salaries.csv"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def scan(self, path):
        out = run(KULLA, "scan", "--index", self.index, "--key", self.key, "--jobs", "1",
                  "--format", "json", path)
        found = [json.loads(line) for line in out.splitlines()]
        found = [one for one in found if one.get("path") == path]
        assert len(found) == 1, f"{len(found)} findings"
        b = found[0]["bytes"]
        assert b["seen"] == os.path.getsize(path) == b["inspected"] + b["not_inspected"], b
        assert not any(one["reason"] in ("crash", "timeout") for one in found[0]["not_inspected"])
        return found[0]


def rows_of(finding):
    return sum(one["rows"] for one in finding["registers"])


def write(nation, name, data):
    path = nation.path(name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def leak(nation, name):
    """All rows are found, nothing is left out."""
    path = nation.path("leaks/" + name)
    n = len(json.loads(read(path + ".truth.json"))["rows"])
    finding = nation.scan(path)
    assert n > 600 and n >= rows_of(finding) >= 0.99 * n, f"{rows_of(finding)} of {n} rows"
    assert finding["bytes"]["not_inspected"] == 0, finding["bytes"]


def office(nation, kind):
    """The same for what a tool has made."""
    path = nation.path("made." + kind)
    run(sys.executable, MAKE, kind, nation.path("salaries.csv"), path, "--rows", str(ROWS))
    finding = nation.scan(path)
    assert ROWS >= rows_of(finding) >= 0.99 * ROWS, f"{rows_of(finding)} of {ROWS} rows"
    assert finding["bytes"]["not_inspected"] == 0, finding["bytes"]


def cut(nation, name):
    """The first two thirds: what is left is read, the sums are right."""
    path = nation.path("leaks/" + name) if name in LEAKS else nation.path("made." + name)
    data = read(path)
    finding = nation.scan(write(nation, "cut-" + name, data[:len(data) * 2 // 3]))
    # A zip without its directory and a compound file without its tables are read as bytes.
    assert rows_of(finding) >= 200 or name.endswith(".zip") or name in KINDS, rows_of(finding)


def control(nation, _):
    """A mail about nobody: no row of the register in it, nothing left out."""
    text = b"From: a@example.invalid\nTo: b@example.invalid\nSubject: pushimet\n\n" + \
        "Zyra është e mbyllur më 1 janar. Nr. protokolli 1234/56, tel. i recepsionit 100.\n".encode() * 50
    finding = nation.scan(write(nation, "control.eml", text))
    assert rows_of(finding) == 0 and finding["verdict"] == "pass", finding["verdict"]
    assert finding["bytes"]["not_inspected"] == 0, finding["bytes"]


def big_box(nation, _):
    """A mailbox of many messages, more than the members a document may have: none is left out."""
    box = read(nation.path("leaks/25m3-box.mbox"))
    small = b"From a@example.invalid Wed Dec 22 09:12:00 2021\r\nFrom: a@example.invalid\r\n" \
            b"Subject: asgje\r\n\r\nasgje\r\n\r\n"
    finding = nation.scan(write(nation, "big.mbox", small * 12000 + box))
    n = len(json.loads(read(nation.path("leaks/25m3-box.mbox.truth.json")))["rows"])
    assert rows_of(finding) >= 0.99 * n, rows_of(finding)
    assert finding["bytes"]["not_inspected"] == 0, finding["bytes"]


def password(nation, _):
    """The zip of a mail opens with a word of the mail; alone, and with another word, it does not."""
    table = nation.path("leaks/04-pipe.txt")
    n = len(json.loads(read(table + ".truth.json"))["rows"])
    box = nation.path("locked.zip")
    subprocess.run(["zip", "-q", "-j", "-P", "Besa2021", box, table], check=True)
    assert rows_of(nation.scan(box)) == 0

    def mail(word):
        return (f"From: a@example.invalid\nTo: b@example.invalid\nSubject: lista\nMIME-Version: 1.0\n"
                f"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nFjalekalimi: {word}\n\n--x\n"
                f"Content-Type: application/zip; name=lista.zip\nContent-Transfer-Encoding: base64\n\n"
                ).encode() + base64.encodebytes(read(box)) + b"--x--\n"

    opened = nation.scan(write(nation, "opened.eml", mail("Besa2021")))
    assert rows_of(opened) >= 0.99 * n and opened["bytes"]["not_inspected"] == 0, opened["bytes"]
    assert any(one["code"] == "encrypted.opened" for one in opened["anomalies"])
    closed = nation.scan(write(nation, "closed.eml", mail("Besa2022")))
    assert rows_of(closed) == 0 and closed["not_inspected"][0]["reason"] == "encrypted", closed


def bombs(nation, _):
    """Small files that ask for much work end soon."""
    mail = b"From: a\nTo: b\nSubject: c\n"
    part = b"--x\n\n"
    for name, data in (
            ("parts.eml", mail + b"Content-Type: multipart/mixed; boundary=x\n\n" + part * 200000),
            ("boxes.mbox", b"From a\nTo: b\n\n" * 100000),
            ("nested.eml", (mail + b"\n") * 40000),
            ("heads.eml", mail + b"Content-Type: multipart/mixed; boundary=x\n\n--x\nA: =?u?q?" * 40000),
            ("tags.html", b"<html>" + b"<td" * 400000),
            ("deep.json", b"[\n" * 500000),
            ("groups.rtf", b"{\\rtf1" + b"{\\*\\x" * 200000),
            ("pictures.rtf", b"{\\rtf1" + (b"{\\pict " + b"00" * 40 + b"}") * 20000)):
        path = write(nation, name, data)
        start = time.monotonic()
        nation.scan(path)
        took = time.monotonic() - start
        assert SANITIZED or took < 10, f"{name}: {took:.1f} s"
        print(f"# {name}: {len(data)} bytes, {took:.2f} s")


def main():
    failed = 0
    tests = [(leak, name) for name in LEAKS] + [(office, name) for name in KINDS]
    tests += [(cut, name) for name in LEAKS + KINDS]
    tests += [(control, ""), (big_box, ""), (password, ""), (bombs, "")]
    print(f"1..{len(tests)}")
    with tempfile.TemporaryDirectory() as folder:
        nation = Nation(folder)
        for i, (test, name) in enumerate(tests, 1):
            try:
                test(nation, name)
                print(f"ok {i} {test.__name__} {name}")
            except (AssertionError, subprocess.SubprocessError, OSError, ValueError) as error:
                failed += 1
                print(f"not ok {i} {test.__name__} {name}")
                print("# " + traceback.format_exc().replace("\n", "\n# "))
                print(f"# {error}")
    return failed > 0


sys.exit(main())
