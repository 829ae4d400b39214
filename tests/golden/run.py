"""Runs tests/golden/CASE/cmd with sh and compares stdout, stderr and the exit status.

usage: run.py KULLA [--write] [CASE...]

cmd runs in an empty folder with KULLA in the environment. Seconds are written as N. --write stores what
came out: read it before you commit it.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent


def steady(data):
    data = re.sub(rb" in \d+\.\d s", b" in N s", data)
    return re.sub(rb'"seconds":[0-9.e+-]+', b'"seconds":N', data)


def run(case, kulla):
    with tempfile.TemporaryDirectory() as folder:
        env = {"KULLA": kulla, "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        p = subprocess.run(["sh", "-c", (case / "cmd").read_text()], cwd=folder, env=env,
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        return {"out": steady(p.stdout), "err": steady(p.stderr), "exit": b"%d\n" % p.returncode}


def differences(case, got):
    for name, data in got.items():
        path = case / name
        want = path.read_bytes() if path.exists() else b""
        if data != want:
            yield f"{path.relative_to(HERE)} differs:"
            yield from (f"  want {line!r}" for line in want.splitlines())
            yield from (f"  got  {line!r}" for line in data.splitlines())


def write(case, got):
    for name, data in got.items():
        if data:
            (case / name).write_bytes(data)
        else:
            (case / name).unlink(missing_ok=True)


def main():
    kulla = str(pathlib.Path(sys.argv[1]).resolve())
    names = sys.argv[2:]
    writing = "--write" in names
    names = [n for n in names if n != "--write"]
    cases = [c.parent for c in sorted(HERE.glob("*/cmd")) if not names or c.parent.name in names]
    print("TAP version 13")
    bad = 0
    for number, case in enumerate(cases, 1):
        got = run(case, kulla)
        if writing:
            write(case, got)
        problems = list(differences(case, got))
        for line in problems:
            print("#", line)
        print("not ok" if problems else "ok", number, case.name, flush=True)
        bad += bool(problems)
    print(f"1..{len(cases)}")
    sys.exit(bad > 0)


main()
