"""Archives of a leak, encrypted ones, and archives made to wear the reader out, given to the program.

usage: containers.py KULLA SANITIZERS
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import traceback

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
import make_archive  # noqa: E402
import make_bomb  # noqa: E402

KULLA = str(pathlib.Path(sys.argv[1]).resolve())
SANITIZED = sys.argv[2] != "none"
ROWS = 900
BOMB_SECONDS = 2.0
PASSWORD = "Tirana2024!"
LOCKED = {"7z-encrypted", "7z-headers", "zip-crypto", "zip-aes"}
# What each bomb must be told as: the limit that ends it.
BOMBS = {
    "zeros.gz": "limit.run", "zeros.xz": "limit.run", "zeros.zst": "limit.ratio",
    "zeros.7z": "limit.run", "42.zip": "limit.ratio", "quine.gz": "limit.nesting",
    "members.tar.gz": "limit.members", "members.zip": "limit.members", "nest.zip": "limit.nesting",
    # 32 decoders at once need more memory than there is; a sanitizer's build has no such limit.
    "nest.gz": "limit.nesting", "nest.xz": "limit.nesting" if SANITIZED else "limit.codec",
}


def run(*args):
    p = subprocess.run(args, capture_output=True, text=True, timeout=300, check=False)
    if p.returncode not in (0, 1, 4):
        raise AssertionError(f"{args[0]} gave up with {p.returncode}: {p.stderr[-500:]}")
    return p.stdout


class Nation:
    def __init__(self, folder):
        self.folder = folder
        run(KULLA, "synth", "--people", "3000", "--seed", "11", "--out", folder, "--leaks", "none")
        self.key = self.path("kulla.key")
        run(KULLA, "keygen", self.key)
        self.index = self.path("civil.kidx")
        run(KULLA, "register", "build", "--schema", self.path("civil.yaml"), "--key", self.key, "-o",
            self.index, self.path("civil.csv"))
        with open(self.path("civil.csv"), "rb") as f:
            lines = f.readlines()[:ROWS + 1]
        self.rows = len(lines) - 1
        self.leak = b"".join(lines)
        self.passwords = self.path("passwords")
        with open(os.open(self.passwords, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write("first\n\n" + PASSWORD + "\r\nlast\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def scan(self, path, *options):
        out = run(KULLA, "scan", "--index", self.index, "--key", self.key, "--jobs", "1", "--ocr",
                  "off", "--format", "json", *options, path)
        found = [json.loads(line) for line in out.splitlines()]
        assert len(found) == 1, f"{len(found)} findings"
        b = found[0]["bytes"]
        assert b["seen"] == os.path.getsize(path) == b["inspected"] + b["not_inspected"], b
        return found[0]

    def scan_bytes(self, data, *options):
        path = self.path("document")
        with open(path, "wb") as f:
            f.write(data)
        return self.scan(path, *options)


def codes(finding):
    return {one["code"] for one in finding["anomalies"]}


def reasons(finding):
    return {one["reason"] for one in finding["not_inspected"]}


def rows(finding):
    return sum(one["rows"] for one in finding["registers"])


def leak_in(kind):
    def test(nation):
        data = make_archive.KINDS[kind](nation.leak, None)
        f = nation.scan_bytes(data)
        assert rows(f) >= 0.99 * nation.rows, f"{rows(f)} of {nation.rows} rows"
        if "+" in kind:
            assert codes(f) & {"archive.appended", "polyglot"}, codes(f)
        else:
            assert f["bytes"]["not_inspected"] == 0, f
            assert not {c for c in codes(f) if c != "binary.view"}, codes(f)
    return f"a leak in {kind}", test


def locked(kind):
    def test(nation):
        data = make_archive.KINDS[kind](nation.leak, PASSWORD)
        f = nation.scan_bytes(data)
        assert rows(f) == 0 and reasons(f) == {"encrypted"}, f
        assert f["bytes"]["not_inspected"] > 0.9 * len(data), f["bytes"]
        f = nation.scan_bytes(data, "--passwords", nation.passwords)
        if kind.startswith("zip"):
            assert rows(f) >= 0.99 * nation.rows, f"{rows(f)} of {nation.rows} rows"
            assert "encrypted.opened" in codes(f) and f["bytes"]["not_inspected"] == 0, f
        else:
            assert rows(f) == 0 and reasons(f) == {"encrypted"}, f
        assert PASSWORD not in json.dumps(f), "a password in a finding"
    return f"{kind} without its password and with it", test


def bomb(kind):
    def test(nation):
        data = make_bomb.KINDS[kind]()
        path = nation.path("bomb")
        with open(path, "wb") as f:
            f.write(data)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        f = nation.scan(path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert BOMBS[kind] in codes(f), codes(f)
        assert reasons(f) == {"limit"} and f["verdict"] == "not_inspected", f
        assert "crash" not in reasons(f) and "timeout" not in reasons(f)
        assert SANITIZED or cpu < BOMB_SECONDS, f"{cpu:.2f} s of CPU"
        print(f"# {kind}: {len(data)} bytes, {cpu:.2f} s")
    return f"{kind} ends with {BOMBS[kind]}", test


def passwords_file(nation):
    def refused(text, mode, what):
        path = nation.path("bad")
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
        os.chmod(path, mode)
        p = subprocess.run([KULLA, "scan", "--packs", "al", "--passwords", path, path],
                           capture_output=True, text=True, timeout=60, check=False)
        os.unlink(path)
        assert p.returncode == 3 and what in p.stderr, (p.returncode, p.stderr)
        assert "qzjxv" not in p.stderr
    refused("qzjxv\n", 0o640, "chmod 600")
    refused("qzjxv\n" * 1001, 0o600, "1,000 passwords")
    refused("qzjxv" * 26 + "\n", 0o600, "127 bytes")


def tests():
    for kind in make_archive.KINDS:
        yield locked(kind) if kind in LOCKED else leak_in(kind)
    for kind in make_bomb.KINDS:
        yield bomb(kind)
    yield "files of passwords that are refused", passwords_file


def main():
    bad = 0
    all_tests = list(tests())
    print("TAP version 13")
    with tempfile.TemporaryDirectory(prefix="kulla-containers-") as folder:
        nation = Nation(folder)
        for i, (name, test) in enumerate(all_tests, 1):
            try:
                test(nation)
                print(f"ok {i} {name}", flush=True)
            except Exception as e:  # noqa: BLE001: told and counted
                bad += 1
                print(f"not ok {i} {name}")
                print("# " + "\n# ".join(traceback.format_exc().splitlines()[-3:]), flush=True)
    print(f"1..{len(all_tests)}")
    sys.exit(bad > 0)


main()
