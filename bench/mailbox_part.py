"""A mailbox of 200 MB with attachments, beside programs that only take mail apart."""
import os
import shutil
import sys
import tempfile

import measure as m
import peers

MEGABYTES = 200
PYTHON = ("import sys, mailbox, email, email.policy\n"
          "n = 0\n"
          "for one in mailbox.mbox(sys.argv[1]):\n"
          "    for part in one.walk():\n"
          "        if not part.is_multipart():\n"
          "            n += len(part.get_payload(decode=True) or b'')\n"
          "print(n)\n")


def take_apart(b, what, name, command):
    """A program that writes the parts to files, in a folder of its own."""
    if peers.skip_missing(b, "mail", f"{what}: {name}", name):
        return
    folder = tempfile.mkdtemp(dir=m.DATA)
    run = m.once([part.replace("DIR", folder) for part in command], memory=True, limit=300,
                 to_null=True)
    files = sum(len(names) for _, _, names in os.walk(folder))
    shutil.rmtree(folder)
    if run["exit"] or files == 0:
        b.skip("mail", f"{what}: {name}", f"exit {run['exit']}, {files} files")
        return
    b.add("mail", f"{what}: {name}", run["cpu"], "s", command, rss_mb=run["rss"] // 1000000,
          files=files, note="one run; parts to files, none looked into")


def rows_in(table, box):
    """How many rows the generator put into the box: asked of it once."""
    def count(part):
        run = m.once([sys.executable, "bench/gen_mbox.py", table, "/dev/null", str(MEGABYTES)])
        with open(part, "w", encoding="ascii") as f:
            f.write(run["out"])
    with open(m.make(os.path.basename(box) + ".rows", count), encoding="ascii") as f:
        return int(f.read())


def mail(b, index, scan_command, documents):
    folder = m.nation(3000000 * b.people // 1000000, 1)
    table, one = folder + "/salaries.csv", index(folder, "salaries")
    box = m.make(f"box-{b.people}-{MEGABYTES}.mbox", lambda part: m.run_quiet(
        [sys.executable, "bench/gen_mbox.py", table, part, str(MEGABYTES)]))
    what = f"mailbox, {os.path.getsize(box) / 1e6:.0f} MB"
    command = scan_command([one], box)
    run = m.median(command, b.runs, memory=True)
    doc = documents(run)[0]
    found = sum(r["rows"] for r in doc["registers"])
    rows = rows_in(table, box)
    beside = (run["rss"] - os.path.getsize(one)) / 1e6
    b.add("mail", what, run["cpu"], "s", command, "every row; <= 128 MB beside the index",
          found >= 0.99 * rows and beside <= 128 and doc["bytes"]["not_inspected"] == 0,
          rows_found=found, rows_true=rows, beside_index_mb=round(beside),
          mb_per_s=round(os.path.getsize(box) / 1e6 / run["cpu"]))
    command = scan_command([], box)
    run = m.median(command, b.runs, memory=True)
    b.add("mail", f"{what}, no register", run["cpu"], "s", command,
          rss_mb=run["rss"] // 1000000, note="taken apart and read, nothing to compare with")
    python = ["/usr/bin/python3", "-c", PYTHON, box]
    run = m.once(python, memory=True, limit=600, to_null=True)
    b.add("mail", f"{what}: python3 email", run["cpu"], "s",
          python[:2] + ["(mailbox.mbox, get_payload(decode=True))", box],
          rss_mb=run["rss"] // 1000000, note="one run; parts decoded, none looked into")
    take_apart(b, what, "ripmime", ["ripmime", "-i", box, "--mailbox", "-d", "DIR"])
    take_apart(b, what, "munpack", ["munpack", "-q", "-C", "DIR", box])
