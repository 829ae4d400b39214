"""Builds an index on a file system that is too small, at several sizes.

usage: full_disk.py KULLA

Needs a user namespace with a mount of its own; is skipped where that is not allowed.
"""
import pathlib
import subprocess
import sys
import tempfile

KULLA = str(pathlib.Path(sys.argv[1]).resolve())
SIZES = ("4k", "64k", "96k")  # of 2,000 rows; the index has about 150 KB
SAID = ("kulla: the disk is full, nothing was replaced, free space and repeat: "
        "No space left on device\n")
SCRIPT = """
mount -t tmpfs -o size=$SIZE tmpfs small || exit 99
$OLD
"$KULLA" register build --schema n/civil.yaml --key k -o small/x.kidx n/civil.csv
code=$?
ls -A small
test $code = 0 || cat small/x.kidx 2>/dev/null
exit $code
"""


def inside(folder, script, **env):
    return subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=folder, text=True,
                          capture_output=True, timeout=120, check=False,
                          env={"KULLA": KULLA, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                               "LC_ALL": "C", **env})


def main():
    print("TAP version 13")
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "small").mkdir()
        try:
            able = inside(folder, "mount -t tmpfs -o size=4k tmpfs small").returncode == 0
        except OSError:
            able = False
        if not able:
            print("1..0 # SKIP no mount in a user namespace")
            return 0
        for args in (["synth", "--people", "2000", "--seed", "1", "--leaks", "none", "--out", "n"],
                     ["keygen", "k"]):
            subprocess.run([KULLA, *args], cwd=folder, check=True, capture_output=True)
        bad = number = 0
        for size in SIZES:
            for old in ("", "echo old >small/x.kidx"):
                script = SCRIPT.replace("$OLD", old)
                p = inside(folder, script, SIZE=size)
                left = "x.kidx\nold\n" if old else ""
                good = (p.returncode, p.stdout, p.stderr) == (3, left, SAID)
                number += 1
                bad += not good
                if not good:
                    print(f"# exit {p.returncode}, out {p.stdout!r}, err {p.stderr!r}")
                print("ok" if good else "not ok", number, f"a build on {size} leaves",
                      "the old index" if old else "nothing")
        p = inside(folder, SCRIPT.replace("$OLD", ""), SIZE="16m")
        good = (p.returncode, p.stderr) == (0, "") and p.stdout.endswith("x.kidx\n")
        print("ok" if good else "not ok", number + 1, "with room it is built")
        print(f"1..{number + 1}")
        return bad > 0 or not good


sys.exit(main())
