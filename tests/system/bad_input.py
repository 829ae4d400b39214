"""Input that is cut, corrupt, lying, huge, unreadable or changing, given to the whole program.

usage: bad_input.py KULLA [PART_OF_A_NAME]

For every document: inspected + not_inspected == seen, an entry where bytes were not read, one line that
says it in the report; and the sound document beside it is inspected all the same.
"""
import ctypes
import io
import json
import os
import pathlib
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

KULLA = str(pathlib.Path(sys.argv[1]).resolve())
CASES = []
SOUND = b"nothing but a sound text\n" * 40
LONG_S = 60


def case(f):
    CASES.append(f)
    return f


class Wrong(Exception):
    pass


def must(cond, what):
    if not cond:
        raise Wrong(what)


# ---- running ----

def parse(stdout, stderr):
    must(stderr == b"", f"stderr: {stderr[:500]!r}")
    docs = {}
    for line in stdout.splitlines():
        d = json.loads(line)
        b = d["bytes"]
        name = os.fsdecode(bytes.fromhex(d["path_hex"])) if "path_hex" in d else d["path"]
        must(b["inspected"] + b["not_inspected"] == b["seen"], f"{name}: the sums: {b}")
        must(b["not_inspected"] == 0 or d["not_inspected"], f"{name}: lost bytes without an entry")
        docs[os.path.basename(name)] = d
    return docs


def scan(folder, kulla=KULLA, **opts):
    """Both outputs of a scan of a folder with a sound file in it."""
    (folder / "sound.txt").write_bytes(SOUND)
    start = time.monotonic()
    out = [subprocess.run([kulla, "scan", "--jobs", "2", *form, "."], cwd=folder, timeout=LONG_S,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, **opts)
           for form in (["--format", "json"], [])]
    must(out[0].returncode == out[1].returncode, "the exit status depends on the format")
    docs = parse(out[0].stdout, out[0].stderr)
    sound = docs.pop("sound.txt")
    must(sound["verdict"] == "pass" and sound["bytes"]["inspected"] == len(SOUND),
         f"the sound file: {sound}")
    return docs, out[1].stdout.decode(), out[0].returncode, time.monotonic() - start


def reasons(d):
    return {n["reason"] for n in d["not_inspected"]}


def codes(d):
    return {a["code"] for a in d["anomalies"]}


def lost(docs, text, name, reason):
    """The document is said to have lost bytes for this reason, in a line of its own."""
    d = docs[name]
    must(reason in reasons(d), f"{name}: {sorted(reasons(d))}, not {reason}")
    must(d["verdict"] == "not_inspected", f"{name}: {d['verdict']}")
    lines = [line for line in text.splitlines() if line.startswith(f"    {reason}: ")]
    must(lines, f"{name}: no line says {reason}: {text}")
    return d


# ---- what is bad ----

def zipped(members, method=zipfile.ZIP_DEFLATED):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", method) as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return b.getvalue()


def noise(n, seed=1):
    out = bytearray()
    x = seed
    while len(out) < n:
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        out += b"%016x %u\n" % (x, x >> 40)
    return bytes(out[:n])


def workbook(n_rows=2000):
    rows = "".join(f'<row r="{r}"><c r="A{r}"><v>{r * 7919 % 99991}</v></c><c r="B{r}" t="inlineStr">'
                   f"<is><t>name {r * 104729 % 99991}</t></is></c></row>" for r in range(1, n_rows))
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    return zipped([
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", f'<Relationships><Relationship Id="a" Type="{rel}officeDocument" '
                        'Target="xl/workbook.xml"/></Relationships>'),
        ("xl/workbook.xml", '<workbook><sheets><sheet name="One" r:id="r1"/></sheets></workbook>'),
        ("xl/_rels/workbook.xml.rels", f'<Relationships><Relationship Id="r1" Type="{rel}worksheet" '
                                       'Target="worksheets/sheet1.xml"/></Relationships>'),
        ("xl/worksheets/sheet1.xml", f"<worksheet><sheetData>{rows}</sheetData></worksheet>"),
    ])


@case
def cut_and_corrupt_zips_lose_what_is_cut_and_no_more(folder):
    good = {"a.zip": zipped([("first.txt", noise(3000)), ("second.txt", noise(30000, 2))]),
            "b.xlsx": workbook()}
    for name, data in good.items():
        (folder / name).write_bytes(data)
        for cut in (30, len(data) // 3, len(data) // 2, len(data) - 30):
            (folder / f"cut{cut}-{name}").write_bytes(data[:cut])
        for at in (len(data) // 3, len(data) // 2):
            (folder / f"bent{at}-{name}").write_bytes(data[:at] + bytes(64) + data[at + 64:])
    docs, text, status, _ = scan(folder)
    must(status == 4, f"exit status {status}")
    for name, d in docs.items():
        if name in good:
            must(d["bytes"]["not_inspected"] == 0 and not d["anomalies"], f"{name}: {d}")
        else:
            must(codes(d), f"{name}: nothing said: {d}")
    for name in good:
        half = len(good[name]) // 2
        must(0 < lost(docs, text, f"cut{half}-{name}", "format")["bytes"]["inspected"] < half,
             "half a file is half inspected")


def flipped(data, seed):
    out = bytearray(data)
    for i in range(20):
        seed = (seed * 1103515245 + 12345) % 2**31
        out[seed % len(out)] ^= 1 << i % 8
    return bytes(out)


@case
def a_hundred_bent_workbooks_cost_no_worker(folder):
    good = workbook(300)
    for i in range(100):
        (folder / f"{i}.xlsx").write_bytes(flipped(good, i))
    docs, _, _, _ = scan(folder)
    must(len(docs) == 100, f"{len(docs)} documents")
    must(not any(reasons(d) & {"crash", "timeout"} for d in docs.values()), "a worker was lost")


def nested(levels, inner):
    data = inner
    for i in range(levels):
        data = zipped([(f"{i}.zip", data)])
    return data


@case
def a_thousand_members_are_no_bomb(folder):
    (folder / "many.zip").write_bytes(zipped([(f"{i}.txt", SOUND) for i in range(1000)]))
    d = scan(folder)[0]["many.zip"]
    must(d["verdict"] == "pass" and d["bytes"]["not_inspected"] == 0 and not d["anomalies"], f"{d}")


@case
def bombs_end_at_their_limits(folder):
    zeros = bytes(60_000_000)
    once = zipped([("zeros", zeros)])
    (folder / "ratio.zip").write_bytes(zipped([(f"{i}.zip", once) for i in range(10)]))
    (folder / "nesting.zip").write_bytes(nested(40, zipped([("deep.txt", SOUND)])))
    (folder / "members.zip").write_bytes(zipped([(f"{i}", b"x") for i in range(10_050)],
                                                zipfile.ZIP_STORED))
    docs, text, status, seconds = scan(folder)
    must(status == 4, f"exit status {status}")
    for name, code in (("ratio.zip", "limit.ratio"), ("nesting.zip", "limit.nesting"),
                       ("members.zip", "limit.members")):
        d = lost(docs, text, name, "limit")
        must(code in codes(d), f"{name}: {sorted(codes(d))}, not {code}")
    must(seconds < LONG_S / 2, f"{seconds:.0f} s")


def overlapping():
    """Twenty entries of one directory that share one body."""
    body = zipped([("a", noise(20000))])
    at = body.index(b"PK\1\2")
    entry = body[at:body.index(b"PK\5\6")]
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 20, 20, len(entry) * 20, at, 0)
    return body[:at] + entry * 20 + end


@case
def sizes_that_lie_are_said(folder):
    z = bytearray(zipped([("a.txt", noise(5000)), ("b.txt", noise(5000, 3))]))
    central = z.index(b"PK\1\2")
    for name, value in (("more.zip", 400_000_000), ("less.zip", 10), ("none.zip", 0)):
        bent = bytearray(z)
        struct.pack_into("<I", bent, central + 24, value)
        (folder / name).write_bytes(bent)
    struct.pack_into("<I", z, central + 20, 4_000_000)
    (folder / "packed.zip").write_bytes(z)
    (folder / "overlap.zip").write_bytes(overlapping())
    docs, text, _, _ = scan(folder)
    for name in ("more.zip", "less.zip", "packed.zip"):
        must("zip.size_lie" in codes(docs[name]), f"{name}: {sorted(codes(docs[name]))}")
    for name in ("more.zip", "less.zip", "none.zip"):
        must(docs[name]["bytes"]["not_inspected"] == 0, f"{name}: all can be had: {docs[name]}")
    must("zip.overlap" in codes(lost(docs, text, "overlap.zip", "format")), "overlap")


@case
def ten_gigabytes_of_nothing_take_no_time(folder):
    for name in ("text", "zip", "empty"):
        with open(folder / name, "wb") as f:
            f.write({"text": SOUND, "zip": zipped([("a.txt", SOUND)]), "empty": b""}[name])
            f.truncate(10 << 30)
            if name == "text":
                f.seek(9 << 30)
                f.write(SOUND)
    docs, _, _, seconds = scan(folder)
    for d in docs.values():
        must(d["bytes"]["seen"] == 10 << 30, f"{d}")
    must(docs["text"]["bytes"]["not_inspected"] == 0, f"{docs['text']}")
    must(seconds < LONG_S / 2, f"{seconds:.0f} s")


def as_nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


@case
def what_may_not_be_read_is_said(folder):
    folder.chmod(0o755)
    for name in ("file", "folder"):
        if name == "folder":
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(SOUND)
        (folder / name).chmod(0)
    (folder / "sound.txt").write_bytes(SOUND)
    drop = {"preexec_fn": as_nobody} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as beside:
        # Where it stands it may be out of reach for another user.
        os.chmod(beside, 0o755)
        kulla = shutil.copy(KULLA, beside)
        docs, text, status, _ = scan(folder, kulla=kulla, **drop)
    try:
        must(status == 4, f"exit status {status}")
        must(lost(docs, text, "file", "io")["bytes"] ==
             {"seen": len(SOUND), "inspected": 0, "not_inspected": len(SOUND)}, f"{docs['file']}")
        lost(docs, text, "folder", "io")
    finally:
        (folder / "folder").chmod(0o700)


@case
def names_of_any_bytes_are_shown_and_kept(folder):
    names = [b"latin-\xeb", b"\xff\xfe\xfd", b"bell\x07-esc\x1b[31m-nl\n", b"rtl-\xe2\x80\xae-txt",
             b"-", b"--help", b"a" * 255]
    for n in names:
        with open(os.path.join(os.fsencode(folder), n), "wb") as f:
            f.write(SOUND)
    bent = zipped([("marker.txt", noise(3000))]).replace(b"marker.txt", b"../\xff\x1b[m\n.")
    (folder / "members.zip").write_bytes(bent[:-60])
    docs, text, _, _ = scan(folder)
    must({os.fsdecode(n) for n in names} | {"members.zip"} == set(docs), f"{sorted(docs)}")
    must(all(docs[os.fsdecode(n)]["bytes"]["inspected"] == len(SOUND) for n in names), "inspected")
    must("zip.central" in codes(docs["members.zip"]), f"{docs['members.zip']}")
    must(not any(ord(c) < 32 and c != "\n" or c in "\x7f\u202e" for c in text), "a control shown")


# ---- under way ----

class Watch:
    """Told by the kernel when a file is opened or read."""

    OPENED = 0x20
    READ = 0x01

    def __init__(self, path, what):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        must(self.fd >= 0 and libc.inotify_add_watch(self.fd, os.fsencode(path), what) >= 0,
             "no inotify")

    def wait(self):
        ready = select.select([self.fd], [], [], LONG_S / 2)[0]
        os.close(self.fd)
        must(ready, "the file was not touched")


def children(pid):
    out = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            out.append(int(stat.parent.name))
    return out


def behind_us():
    """On our processor and after us: what we are woken for has then gone on for no time."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.nice(19)


class Under:
    """A scan of stdin, then of a file, whose worker stands still until it is let go."""

    def __init__(self, path, slow=False):
        opened = Watch(path, Watch.OPENED)
        (path.parent / "sound.txt").write_bytes(SOUND)
        # pylint: disable=consider-using-with
        self.p = subprocess.Popen([KULLA, "scan", "--jobs", "1", "--format", "json", "-", path.name,
                                   "sound.txt"], cwd=path.parent, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  preexec_fn=behind_us if slow else None)
        end = time.monotonic() + LONG_S / 2
        while not (found := children(self.p.pid)) and time.monotonic() < end:
            time.sleep(0.005)
        must(found, "no worker")
        time.sleep(0.1)
        self.worker = found[0]
        os.kill(self.worker, signal.SIGSTOP)
        self.p.stdin.write(b"first\n")
        self.p.stdin.close()
        self.p.stdin = None
        opened.wait()
        time.sleep(0.05)  # its length is looked at at once

    def go(self):
        os.kill(self.worker, signal.SIGCONT)

    def end(self):
        out, err = self.p.communicate(timeout=LONG_S)
        docs = parse(out, err)
        must(docs["sound.txt"]["bytes"]["inspected"] == len(SOUND), "the scan goes on")
        return docs


def changed(path, change):
    """The finding of a file that is changed between its opening and its reading."""
    u = Under(path)
    change(path)
    u.go()
    return u.end()[path.name]


def midway(path, data, act):
    """Do something to a scan when it has read a file in part; its output, None: never in time."""
    all_of_us = os.sched_getaffinity(0)
    for _ in range(5):
        path.write_bytes(data)
        time.sleep(0.02)  # a tick of the file system's clock
        os.sched_setaffinity(0, {min(all_of_us)})
        try:
            u = Under(path, slow=True)
            read = Watch(path, Watch.READ)
            u.go()
            read.wait()
            u.p.send_signal(signal.SIGSTOP)  # the worker gets some blocks ahead and waits
            time.sleep(0.05)
            in_time = u.p.poll() is None
            act(u)
            u.p.send_signal(signal.SIGCONT)
            out = u.p.communicate(timeout=LONG_S)
        finally:
            os.sched_setaffinity(0, all_of_us)
        d = parse(*out).get(path.name)
        if in_time and d is not None and (d["anomalies"] or d["not_inspected"]):
            return parse(*out)
    print("# this machine is too busy to stop a scan midway")
    return None


def changed_midway(path, data, change):
    docs = midway(path, data, lambda u: change(path))
    if docs is None:
        return None
    must(docs["sound.txt"]["bytes"]["inspected"] == len(SOUND), "the scan goes on")
    return docs[path.name]


def shrink_to(n):
    return lambda path: os.truncate(path, n)


def grow(path):
    with open(path, "ab") as f:
        f.write(SOUND)


def rewrite(path):
    with open(path, "r+b") as f:
        f.write(b"written over\n")


def replace(path):
    (path.parent / "new").write_bytes(b"new\n")
    os.replace(path.parent / "new", path)


def kinds():
    yield "text", noise(1 << 20) * 8
    yield "binary", bytes(range(256)) * 4096 * 8
    yield "a.zip", zipped([("a.txt", noise(2 << 20)), ("b.txt", noise(2 << 20, 5))])
    yield "a.xlsx", workbook(20000)


LONG = noise(1 << 20) * 192


@case
def a_file_that_shrinks_loses_what_is_gone(folder):
    for name, data in kinds():
        for to in (0, len(data) // 3):
            path = folder / name
            path.write_bytes(data)
            d = changed(path, shrink_to(to))
            what = f"{name} cut to {to}: {d['bytes']} {d['not_inspected']}: {sorted(codes(d))}"
            must(d["bytes"]["seen"] == len(data) and d["bytes"]["inspected"] <= to, what)
            must(reasons(d) & {"changed", "format"} and "file.changed" in codes(d), what)
    d = changed_midway(folder / "long", LONG, shrink_to(1 << 20))
    # Cut behind the reader's back when it had read all: that is told, and nothing is lost.
    must(d is None or (d["bytes"]["seen"] == len(LONG) and "file.changed" in codes(d) and
                       d["bytes"]["inspected"] > 0 and
                       ("changed" in reasons(d) or d["bytes"]["not_inspected"] == 0)), f"{d}")


@case
def a_file_that_grows_counts_what_came_too_late(folder):
    found = []
    for name, data in kinds():
        path = folder / name
        path.write_bytes(data)
        found.append((len(data), changed(path, grow)))
    found.append((len(LONG), changed_midway(folder / "long", LONG, grow)))
    for n, d in found:
        want = {"seen": n + len(SOUND), "inspected": n, "not_inspected": len(SOUND)}
        must(d is None or (d["bytes"] == want and reasons(d) == {"changed"} and
                           "file.changed" in codes(d) and d["verdict"] == "not_inspected"), f"{d}")


@case
def a_file_written_over_midway_is_said(folder):
    d = changed_midway(folder / "long", LONG, rewrite)
    must(d is None or (d["bytes"]["seen"] == len(LONG) and "file.changed" in codes(d)), f"{d}")


@case
def a_scan_stopped_midway_counts_what_it_read(folder):
    docs = midway(folder / "long", LONG, lambda u: u.p.send_signal(signal.SIGINT))
    if docs is not None:
        d = docs["long"]
        must(d["partial"] and reasons(d) == {"stopped"}, f"{d}")
        must(0 < d["bytes"]["inspected"] < len(LONG) == d["bytes"]["seen"], f"{d}")
        must(d["not_inspected"][0]["bytes"] == d["bytes"]["not_inspected"], f"{d}")


@case
def a_file_replaced_is_read_as_it_was_opened(folder):
    path = folder / "text"
    path.write_bytes(noise(1 << 20))
    d = changed(path, replace)
    must(d["bytes"] == {"seen": 1 << 20, "inspected": 1 << 20, "not_inspected": 0}, f"{d}")
    path.write_bytes(noise(1 << 20))
    d = changed(path, os.unlink)
    must(d["bytes"]["inspected"] == 1 << 20, f"{d}")


@case
def a_sparse_file_that_shrinks_is_no_hole(folder):
    path = folder / "sparse"
    path.write_bytes(b"")
    os.truncate(path, 1 << 32)
    d = changed(path, shrink_to(1 << 20))
    must(d["bytes"] == {"seen": 1 << 32, "inspected": 1 << 20,
                        "not_inspected": (1 << 32) - (1 << 20)}, f"{d['bytes']}")


@case
def a_killed_worker_costs_its_document(folder):
    path = folder / "next"
    path.write_bytes(SOUND)
    u = Under(path)
    os.kill(u.worker, signal.SIGKILL)
    docs = u.end()
    must(reasons(docs["-"]) == {"crash"} and docs["-"]["partial"], f"{docs['-']}")
    must(docs["-"]["bytes"] == {"seen": 6, "inspected": 0, "not_inspected": 6}, f"{docs['-']}")
    must(docs["next"]["bytes"]["inspected"] == len(SOUND), f"{docs['next']}")
    must(len(docs["-"]["sha256"]) == 64 and "sha256" not in docs["next"], f"{docs}")


def main():
    picked = [f for f in CASES if len(sys.argv) < 3 or sys.argv[2] in f.__name__]
    print("TAP version 13")
    bad = 0
    for number, f in enumerate(picked, 1):
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                f(pathlib.Path(folder))
                verdict = "ok"
            except (Wrong, subprocess.TimeoutExpired, KeyError, ValueError) as e:
                print("#", f"{type(e).__name__}: {e}".replace("\n", "\n# ")[:3000])
                verdict = "not ok"
                bad += 1
        print(f"# {time.monotonic() - start:.1f} s")
        print(verdict, number, f.__name__, flush=True)
    print(f"1..{len(picked)}")
    sys.exit(bad > 0)


main()
