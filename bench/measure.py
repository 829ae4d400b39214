"""What bench/run stands on: data under var/bench (cached), pinned and timed commands, memory."""
import glob
import gzip
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def synth_digest():
    digest = hashlib.sha256()
    for name in sorted(glob.glob(ROOT + "/src/register/synth*")):
        with open(name, "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()[:8]


DATA = "var/bench/" + synth_digest()  # what another synth made is never mixed in
KULLA = "build/kulla"
CORE = str(max(os.sched_getaffinity(0)))
TEXT_TREES = ("/usr/include", "/usr/share/doc", "/usr/share/common-licenses", "/usr/lib/python3",
              "/usr/lib/python3.11", "/usr/share/perl", "/usr/share/perl5", "/usr/share/i18n",
              "/usr/share/man", "/usr/lib/gcc")
NOT_TEXT = (".pyc", ".so", ".a", ".o", ".png", ".jpg", ".xz", ".bz2", ".zip", ".pdf", ".gif", ".mo")


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def path(name):
    return os.path.join(DATA, name)


def have(program):
    return shutil.which(program) is not None


def megabytes(name):
    return os.path.getsize(name) / 1e6


def tree_pss(pid):
    """Resident bytes of a process and all below it, a shared page counted once (Pss), by kind."""
    total, todo = {"Pss": 0, "Pss_Anon": 0, "Pss_File": 0, "Pss_Shmem": 0, "VmHWM": 0}, [pid]
    while todo:
        one = todo.pop()
        try:
            for source in ("smaps_rollup", "status"):
                with open(f"/proc/{one}/{source}", encoding="ascii", errors="replace") as f:
                    for words in map(str.split, f):
                        kind = words[0][:-1] if words else ""
                        if kind in total:
                            total[kind] += int(words[1]) * 1024
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children") as f:
                    todo += [int(child) for child in f.read().split()]
        except OSError:
            continue
    return total


def once(command, memory=False, limit=600, stdin=None, to_null=False):
    """Runs pinned; user+sys of it and its children, wall, peak memory, output, exit status."""
    out = open(os.devnull if to_null else path(f"last-{os.getpid()}.out"), "w+b")
    source = open(stdin, "rb") if stdin else subprocess.DEVNULL
    start = time.monotonic()
    child = subprocess.Popen(["taskset", "-c", CORE] + command, stdin=source, stdout=out,
                             stderr=subprocess.DEVNULL)
    alarm = threading.Timer(limit, child.kill)
    alarm.start()
    held, status, usage = {"Pss": 0}, 0, None
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG if memory else 0)
        if pid:
            break
        held = max(held, tree_pss(child.pid), key=lambda one: one["Pss"])
        time.sleep(0.02)
    wall = time.monotonic() - start
    alarm.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    out.seek(0)
    text = out.read().decode("utf-8", "replace")
    out.close()
    if stdin:
        source.close()
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "out": text,
            # Not ru_maxrss: it begins at what this script held when it forked.
            "exit": child.returncode, "rss": held["Pss"], "held": held}


def median(command, runs=3, **more):
    """Median CPU seconds of some runs; the last run's output, the largest memory."""
    all_runs = [once(command, **more) for _ in range(runs)]
    last = dict(all_runs[-1])
    last["runs"] = [round(r["cpu"], 4) for r in all_runs]
    last["cpu"] = max(statistics.median(r["cpu"] for r in all_runs), 1e-4)
    last["wall"] = statistics.median(r["wall"] for r in all_runs)
    last["rss"] = max(r["rss"] for r in all_runs)
    return last


def as_read(name):
    """Lets the page cache hold a file as a disk gave it, not as it was written in small pages."""
    with open(name, "rb") as f:
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while f.read(1 << 24):
            pass


def make(name, writer):
    """Calls writer(temporary name) when DATA/name is not there yet; returns its name."""
    target = path(name)
    if not os.path.exists(target):
        say("making " + target)
        started = time.monotonic()
        writer(target + ".part")
        os.rename(target + ".part", target)
        say(f"made {target} in {time.monotonic() - started:.1f} s")
    if os.path.isfile(target):
        as_read(target)
    return target


def run_quiet(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def nation(people, seed, leaks="none"):
    return make(f"nation-{people}-{seed}" + ("-leaks" if leaks == "all" else ""), lambda part:
                run_quiet([KULLA, "synth", "--people", str(people), "--seed", str(seed), "--out",
                           part, "--leaks", leaks]))


def text_files():
    for tree in TEXT_TREES:
        for folder, folders, names in os.walk(tree):
            folders.sort()
            for name in sorted(names):
                full = os.path.join(folder, name)
                if (not name.endswith(NOT_TEXT) and os.path.isfile(full)
                        and not os.path.islink(full)):
                    yield full


def corpus(size, ascii_only=False):
    """Text of this machine's own files in a fixed order, .gz unpacked; again until size bytes.

    Every file without a zero byte whatever its encoding (a compiler is no text), or only the
    files that are plain ASCII.
    """
    def write(part):
        done, rounds = 0, 0
        with open(part, "wb") as out:
            while done < size:
                for name in text_files():
                    try:
                        with (gzip.open if name.endswith(".gz") else open)(name, "rb") as f:
                            data = f.read()
                    except (OSError, EOFError):
                        continue
                    if b"\0" not in data and (not ascii_only or data.isascii()):
                        done += out.write(data)
                    if done >= size and rounds:
                        break
                rounds += 1
    return make(f"text-{size}{'-ascii' if ascii_only else ''}.txt", write)


def head(source, name, lines):
    def write(part):
        with open(source, encoding="utf-8") as f, open(part, "w", encoding="utf-8") as out:
            for at, line in enumerate(f):
                if at >= lines:
                    break
                out.write(line)
    return make(name, write)
