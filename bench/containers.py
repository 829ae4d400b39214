"""The part "containers": a leak packed in each usual way, beside the program that unpacks it."""
import os
import shutil
import subprocess

import measure as m

# How it is packed (into a file named by %s), and how the obvious peer unpacks it to its stdout.
WAYS = {
    "zip": ("zip -qj {out} {table}", ["unzip", "-p"]),
    "gz": ("gzip -c {table} > {out}", ["gzip", "-dc"]),
    "zst": ("zstd -qc {table} > {out}", ["zstd", "-dc"]),
    "tar": ("tar cf {out} -C {folder} {name}", ["tar", "xOf"]),
    "tar.gz": ("tar czf {out} -C {folder} {name}", ["tar", "xzOf"]),
    "7z": ("7z a -si{name} {out} < {table} > /dev/null", ["7z", "x", "-so"]),
}
REACH = {"zip": "< 1.0 x unzip -p"}


def pack(how, table, out):
    folder, name = os.path.split(table)
    words = {"out": out, "table": table, "folder": folder, "name": name}
    if how in ("zip", "7z"):  # they put a suffix of their own behind another name
        words["out"] = out + "." + how
        subprocess.run(WAYS[how][0].format(**words), shell=True, check=True)
        os.rename(words["out"], out)
    else:
        subprocess.run(WAYS[how][0].format(**words), shell=True, check=True)


def containers(b, documents, index, scan_command):
    folder = os.path.dirname(b.civil())
    one = index(folder, "civil")
    size = os.path.getsize(b.civil()) / 1e6
    for how, (_, peer) in WAYS.items():
        what = f"{size:.0f} MB of leak in {how}"
        if shutil.which(peer[0]) is None:
            b.skip("containers", what, f"{peer[0]} is not there", REACH.get(how))
            continue
        packed = m.make(f"civil-{b.people}.{how}", lambda part: pack(how, b.civil(), part))
        base = m.median(peer + [packed], b.runs, to_null=True)
        b.add("containers", f"{what}: {' '.join(peer)}", base["cpu"], "s", peer + [packed])
        for told, indexes in (("read", []), ("read and matched", [one])):
            command = scan_command(indexes, packed)
            trial = m.once(command, memory=True)
            seen = documents(trial)[0]
            rows = sum(r["rows"] for r in seen["registers"])
            if seen["bytes"]["not_inspected"] or (indexes and rows != b.people):
                raise ValueError(f"{packed}: {rows} rows, {seen['bytes']}: no speed is stated")
            run = m.median(command, b.runs)
            ratio = run["cpu"] / base["cpu"]
            bar = REACH.get(how) if told == "read" else None
            b.add("containers", f"{what}, {told}", ratio, "x " + " ".join(peer), command, bar,
                  ratio < 1 if bar else None, cpu_s=round(run["cpu"], 3), runs=run["runs"],
                  rows_found=rows, rss_mb=trial["rss"] // 2**20)
