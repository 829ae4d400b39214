#!/usr/bin/env python3
"""What a scan makes of folders of real documents: bench/real_files.py FOLDER... [-- SCAN OPTIONS]

One JSON object for each folder: documents, bytes, what was not inspected and why, crashes,
timeouts, bytes that are not accounted for, spreadsheets whose every sheet was read, the largest
worker, the slowest documents. KULLA in the environment names another binary (build-asan/kulla).
Exit 1 when a document crashed a worker, ran out of time or has bytes that nothing says anything of.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KULLA = os.environ.get("KULLA", os.path.join(ROOT, "build/kulla"))
SHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
OF_A_SHEET = re.compile(r"$|/xl/(worksheets|sharedStrings|workbook)|/content\.xml|/(Work)?[Bb]ook")
SLOWEST = 10


def role_of(pid):
    """The --role of a kulla process; None: it has none, or became another program."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            words = f.read().split(b"\0")
    except OSError:
        return None
    return words[words.index(b"--role") + 1].decode() if b"--role" in words else None


def peak_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            return next((int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def watch(pid, peaks, stop):
    """The largest resident size of each role, asked every 20 ms."""
    while not stop.wait(0.02):
        children = []
        for task in os.listdir(f"/proc/{pid}/task") if os.path.exists(f"/proc/{pid}/task") else []:
            try:
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                    children += f.read().split()
            except OSError:
                pass
        for child in children:
            role = role_of(child)
            if role is not None:
                peaks[role] = max(peaks[role], peak_of(child))
        peaks["command"] = max(peaks["command"], peak_of(pid))


def scan(folder, options, out):
    """Exit status, seconds and peaks; the findings lie in `out`."""
    command = [KULLA, "scan", "--format", "json", "--jobs", "1", *options, folder]
    peaks, stop, start = collections.Counter(), threading.Event(), time.monotonic()
    with subprocess.Popen(command, stdout=out) as process:
        watcher = threading.Thread(target=watch, args=(process.pid, peaks, stop))
        watcher.start()
        status = process.wait()
        stop.set()
        watcher.join()
    return status, time.monotonic() - start, peaks


def findings(out):
    """The last one of each document: the first is told before its pictures are read."""
    out.seek(0)
    last = {}
    for line in out:
        found = json.loads(line)
        if "path" in found:
            last[found["path"]] = found
    return last.values()


def is_accounted(found):
    """All of the file, and a reason for all that was not inspected."""
    b = found["bytes"]
    path = found["path"]
    whole = os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) == b["seen"]
    return (whole and b["seen"] == b["inspected"] + b["not_inspected"]
            and (b["not_inspected"] == 0 or len(found["not_inspected"]) > 0))


def is_read(found):
    """A workbook of which no sheet is missing."""
    return not any(OF_A_SHEET.match(gap["at"]) for gap in found["not_inspected"])


def report(folder, options):
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape") as out:
        status, seconds, peaks = scan(folder, options, out)
        told = list(findings(out))
    gaps = [gap for found in told for gap in found["not_inspected"]]
    codes = [one["code"] for found in told for one in found["anomalies"]]
    count = collections.Counter(gap["reason"] for gap in gaps)
    sheets = [found for found in told if found["path"].lower().endswith(SHEETS)]
    slow = sorted(((found["seconds"], found["path"]) for found in told), reverse=True)[:SLOWEST]
    return {
        "folder": os.path.basename(os.path.normpath(folder)), "exit": status,
        "seconds": round(seconds, 1), "documents": len(told),
        "seen": sum(found["bytes"]["seen"] for found in told),
        "inspected": sum(found["bytes"]["inspected"] for found in told),
        "gaps": dict(count), "crashes": count["crash"], "timeouts": count["timeout"],
        "worker_anomalies": sum(code.startswith("worker.") for code in codes),
        "unaccounted": [found["path"] for found in told if not is_accounted(found)],
        "spreadsheets": len(sheets), "spreadsheets_read": sum(map(is_read, sheets)),
        "peak_bytes": dict(peaks),
        "slowest": [{"seconds": round(s, 3), "path": os.path.relpath(p, folder)} for s, p in slow],
    }


def main():
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    folders, options = words[:cut], words[cut + 1:]
    if not folders:
        sys.exit("bench: real_files: name a folder of documents")
    bad = False
    for folder in folders:
        said = report(folder, options)
        print(json.dumps(said, ensure_ascii=False), flush=True)
        bad |= bool(said["crashes"] or said["timeouts"] or said["worker_anomalies"]
                    or said["unaccounted"] or said["exit"] not in (0, 1, 4))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
