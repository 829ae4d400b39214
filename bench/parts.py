"""The parts of the bench. Each adds figures: part, what, value, unit, reach, met, command, ..."""
import json
import os
import subprocess

import containers
import databases as dbs
import mailbox_part
import measure as m
import office
import peers

KEY = m.path("bench.key")


class Bench:
    def __init__(self, options, figures):
        self.people, self.mb, self.runs = options.people, options.mb, options.runs
        self.figures = figures

    def add(self, part, what, value, unit, command=None, reach=None, met=None, **more):
        if isinstance(value, float):
            value = float(f"{value:.4g}")
        shown = " ".join(command) if isinstance(command, list) else command
        self.figures.append({"part": part, "what": what, "value": value, "unit": unit,
                             "reach": reach, "met": met, "command": shown,
                             "load": round(os.getloadavg()[0], 2), **more})
        m.say(f"  {what}: {value} {unit}" + ("" if met is None else " met" if met else " MISSED"))

    def skip(self, part, what, why, reach=None):
        self.figures.append({"part": part, "what": what, "skipped": why, "reach": reach})
        m.say(f"  {what}: skipped: {why}")

    def civil(self):
        return m.nation(self.people, 1) + "/civil.csv"

    def corpus(self):
        return m.corpus(self.mb * 1000000)


def key():
    return m.make("bench.key", lambda part: m.run_quiet([m.KULLA, "keygen", part]))


def build_command(schema, out, table):
    return [m.KULLA, "register", "build", "--schema", schema, "--key", key(), "-o", out,
            "--format", "json", table]


def index(folder, register, anchors=True):
    """The index of a table of a nation, made anew when the binary is newer than it."""
    table, schema = f"{folder}/{register}.csv", f"{folder}/{register}.yaml"
    out = f"{folder}/{register}{'' if anchors else '-keys'}.kidx"
    if not anchors:
        schema = out[:-5] + ".yaml"
        with open(f"{folder}/{register}.yaml", encoding="utf-8") as f:
            lines = [line for line in f if not line.startswith("anchors:")]
        with open(schema, "w", encoding="utf-8") as f:
            f.writelines(lines)
    if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(m.KULLA):
        m.run_quiet(build_command(schema, out, table))
    return out


def scan_command(indexes, *targets, more=()):
    command = [m.KULLA, "scan"]
    for one in indexes:
        command += ["--index", one]
    if indexes:
        command += ["--key", key()]
    return command + list(more) + ["--jobs", "1", "--format", "json"] + list(targets)


def documents(run):
    """JSON lines of a scan. Raises when the scan did not do its work (2, 3) or said nothing."""
    if run["exit"] not in (0, 1, 4):
        raise ValueError(f"kulla scan gave up with exit status {run['exit']}")
    found = [json.loads(line) for line in run["out"].splitlines() if line.startswith("{")]
    return [one for one in found if "path" in one]


def inspected_all(run, size):
    done = sum(one["bytes"]["inspected"] for one in documents(run))
    if done < size * 0.999:
        raise ValueError(f"only {done} of {size} bytes were inspected: no speed is stated")
    return size - done


def build(b):
    folder = os.path.dirname(b.civil())
    command = build_command(f"{folder}/civil.yaml", m.path("built.kidx"), b.civil())
    run = m.median(command, b.runs, memory=True)
    got = json.loads(run["out"].strip().splitlines()[-1])
    speed = got["rows"] / run["cpu"]
    b.add("build", "index build, 9 columns CSV", speed, "rows/s", command, ">= 1,000,000 rows/s",
          speed >= 1e6, rss_mb=run["rss"] // 1000000, runs=run["runs"], rows=got["rows"])
    cells = sum(column["cells"] for column in got["columns"])
    size = os.path.getsize(m.path("built.kidx")) / cells
    b.add("build", "index size, all columns", size, "bytes/cell", command, "<= 5 bytes/cell",
          size <= 5)
    for column in got["columns"]:
        b.add("build", f"index size, {column['name']} ({column['role']})", column["cell_bytes"],
              "bytes/cell", command)


def benign(b):
    benign_on(b, b.corpus(), "benign text")
    benign_on(b, m.corpus(b.mb * 1000000, True), "benign text, the ASCII files only")


def benign_on(b, text, name):
    folder = os.path.dirname(b.civil())
    ways = ((name + ", key anchors only", [index(folder, "civil", False)], (), 2.5e3),
            (name + ", tuple anchors", [index(folder, "civil")], (), 500),
            (name + ", identifiers of Albania", [], ("--packs", "al"), 2.5e3))
    for what, indexes, more, reach in ways:
        reach_text = f">= {reach:,.0f} MB/s"
        # Pictures in the text (base64) wait for the slow lane, as in a scan with --ocr on.
        command = scan_command(indexes, text, more=more + ("--ocr", "off"))
        if more and m.once(scan_command([], "/dev/null", more=more))["exit"] in (2, 3):
            b.skip("benign", what, "--packs is not in this build", reach_text)
            continue
        run = m.median(command, b.runs)
        missed = inspected_all(run, os.path.getsize(text))
        speed = m.megabytes(text) / run["cpu"]
        b.add("benign", what, speed, "MB/s", command, reach_text, speed >= reach,
              runs=run["runs"], wall=round(run["wall"], 3), bytes_not_inspected=missed,
              verdict=documents(run)[0]["verdict"])


def leak(b):
    folder = os.path.dirname(b.civil())
    for what, chosen in (("key anchors only", False), ("tuple anchors", True)):
        one = index(folder, "civil", chosen)
        command = scan_command([one], b.civil())
        run = m.median(command, b.runs)
        inspected_all(run, os.path.getsize(b.civil()))
        rows = sum(r["rows"] for d in documents(run) for r in d["registers"])
        speed = m.megabytes(b.civil()) / run["cpu"]
        b.add("leak", f"text that is all leak, {what}", speed, "MB/s", command, ">= 250 MB/s",
              speed >= 250 and rows == b.people, runs=run["runs"], rows_found=rows,
              rows_true=b.people, rows_per_s=int(rows / run["cpu"]))
    few = m.head(b.civil(), f"civil-{b.people}-1000.csv", 1001)
    command = scan_command([one], few)
    run = m.median(command, 5)
    verdict = documents(run)[0]["verdict"]
    b.add("leak", "whole scan of the first 1,000 rows, start and index included",
          run["wall"] * 1e3, "ms", command, "< 50 ms", run["wall"] < 0.05 and verdict == "block",
          cpu_ms=round(run["cpu"] * 1e3, 1), verdict=verdict)


def workbook(b):
    reach = "<= 1.0 x unzip -p, every row; <= 128 MB beside the index"
    people = 3000000 * b.people // 1000000
    folder = m.nation(people, 1)
    with open(folder + "/salaries.csv", encoding="utf-8") as f:
        rows = min(sum(1 for _ in f) - 1, 637138)
    table = m.head(folder + "/salaries.csv", f"salaries-{rows}.csv", rows + 1)
    one = index(folder, "salaries")
    if not os.path.exists(m.path("gen_xlsx")):
        m.run_quiet(["gcc", "-O2", "bench/gen_xlsx.c", "-o", m.path("gen_xlsx"), "-lxlsxwriter"])
    for how in ("shared", "inline"):
        book = m.make(f"book-{rows}-{how}.xlsx", lambda part: m.run_quiet(
            [m.path("gen_xlsx"), how, "8", table, part]))
        what = f"workbook {rows:,} x 8, {how} strings"
        base = m.median(["unzip", "-p", book], b.runs, to_null=True)
        b.add("workbook", what + ": unzip -p", base["cpu"], "s", ["unzip", "-p", book])
        command = scan_command([one], book)
        trial = m.once(command, memory=True)
        seen = documents(trial)[0]
        if seen["bytes"]["inspected"] == 0:
            b.skip("workbook", what, "this build does not read zip", reach)
        else:
            run = m.median(command, b.runs)
            found = sum(r["rows"] for d in documents(run) for r in d["registers"])
            beside = (trial["rss"] - os.path.getsize(one)) / 1e6
            ratio = run["cpu"] / base["cpu"]
            b.add("workbook", what, ratio, "x unzip -p", command, reach,
                  ratio <= 1 and beside <= 128 and found == rows, cpu_s=round(run["cpu"], 3),
                  rows_found=found, rows_true=rows, beside_index_mb=round(beside))
        peers.workbook(b, what, book)


def recall(b):
    """Twice: a small register, and one so full that a key alone says little of whose row it is."""
    for people in sorted({min(b.people, 20000), b.people}):
        recall_of(b, people)


def recall_of(b, people):
    folder = m.nation(people, 2, "all")
    leaks = folder + "/leaks"
    names = sorted(os.listdir(leaks)) if os.path.isdir(leaks) else []
    truths = [name for name in names if name.endswith(".truth.json")]
    if not truths:
        b.skip("recall", "recall list", "kulla synth writes no leaks yet", ">= 99 % of rows")
    indexes = [index(folder, one) for one in ("civil", "salaries", "vehicles", "voters")]
    for truth in truths:
        with open(f"{leaks}/{truth}", encoding="utf-8") as f:
            true = json.load(f)
        target = f"{leaks}/{truth[:-len('.truth.json')]}"
        command = scan_command(indexes, target)
        found = documents(m.once(command))
        rows = sum(r["rows"] for d in found for r in d["registers"]
                   if r["register"] == true["register"])
        others = sum(r["rows"] for d in found for r in d["registers"]
                     if r["register"] != true["register"])
        verdict = "+".join(sorted({d["verdict"] for d in found}))
        wanted = len(true["rows"])
        more = {"case": true["case"], "rows_found": rows, "rows_true": wanted, "verdict": verdict,
                "columns": true["columns"], "other_registers_rows": others}
        name = f"{people:,} people, case {true['case']}: {os.path.basename(target)}"
        if true["expect"] == "none":
            b.add("recall", name, rows, "rows", command, "nothing above log",
                  not any(d["verdict"] in ("hold", "block") for d in found), **more)
        else:
            # A scan states how many rows, not which: the share is at most this.
            part = 100 * min(rows, wanted) / max(wanted, 1)
            excepted = str(true["case"]).startswith("17")
            b.add("recall", name, part, "% of rows", command,
                  "none (excepted)" if excepted else ">= 99 %", None if excepted else part >= 99,
                  extra_rows=max(rows - wanted, 0), **more)


def foreign_lists(b, mine, foreign):
    """Three lists from another nation: (what, file, rows, rows whose NID is also in ours).

    kulla synth deals each day's serials in order, so nations of any two seeds share most NIDs:
    the list as made is not foreign by its NIDs. Leaving those rows out leaves few, and not by
    chance which; leaving the column out keeps every row but tests no NID. All three are shown.
    """
    with open(mine + "/civil.csv", encoding="utf-8") as f:
        home = {line.split(",", 1)[0] for line in f}
    with open(foreign, encoding="utf-8") as f:
        top, *lines = f.readlines()
    kept = [line for line in lines if line.split(",", 1)[0] not in home]
    shared = len(lines) - len(kept)

    def table(name, rows):
        def write(part):
            with open(part, "w", encoding="utf-8") as out:
                out.writelines(rows)
        return m.make(f"{name}-{b.people}.csv", write)

    bare = [line.split(",", 1)[1] for line in [top] + lines]
    return (("foreign list as made", foreign, len(lines), shared),
            ("foreign list without rows of a shared NID", table("unshared", [top] + kept),
             len(kept), 0),
            ("foreign list without its NID column", table("no-nid", bare), len(lines), 0))


def false_rows(b):
    mine, foreign = m.nation(b.people, 1), m.nation(b.people, 77) + "/civil.csv"
    for what, table, people, shared in foreign_lists(b, mine, foreign):
        for name in ("salaries", "voters"):
            command = scan_command([index(mine, name)], table)
            run = m.once(command)
            found = documents(run)
            rows = sum(r["rows"] for d in found for r in d["registers"])
            worst = found[0]["verdict"]
            rate = rows * 1e6 / max(people, 1)
            met = rate <= 10 and worst in ("pass", "log")
            more = {}
            if met and people < 300000:  # none found in 300,000 is what shows 10 per million (95 %)
                met, more = None, {"note": "too few rows to show 10 per million"}
            b.add("false_rows", f"{what}, against {name}: rows per million", rate, "rows", command,
                  "<= 10 per million, verdict at most log", met, rows=rows, verdict=worst,
                  list_rows=people, cpu_s=round(run["cpu"], 2),
                  rows_with_a_shared_nid=shared, **more)


def false_alarms(b):
    folder = m.nation(b.people, 1)
    indexes = [index(folder, one) for one in ("civil", "salaries", "vehicles", "voters")]
    command = scan_command(indexes, *[tree for tree in m.TEXT_TREES if os.path.isdir(tree)])
    found = documents(m.once(command))
    seen = sum(d["bytes"]["inspected"] for d in found) / 1e9
    count = {}
    for one in found:
        count[one["verdict"]] = count.get(one["verdict"], 0) + 1
    bad, log = count.get("hold", 0) + count.get("block", 0), count.get("log", 0)
    b.add("false_alarms", f"hold and block in {len(found):,} files of this machine", bad,
          "documents", command, "0", bad == 0, verdicts=count, inspected_gb=round(seen, 3))
    b.add("false_alarms", "log per GB inspected", log / max(seen, 1e-9), "per GB", command,
          "<= 1 per GB", log <= seen)


def memory(b):
    folder = m.nation(b.people, 1)
    one, size = index(folder, "civil"), 2000000000 * b.mb // 512
    big = m.corpus(size)
    command = scan_command([one], big)
    run = m.once(command, memory=True)
    inspected_all(run, size)
    beside = (run["rss"] - os.path.getsize(one)) / 2**20
    held = {name + "_mib": size >> 20 for name, size in run["held"].items()}
    b.add("memory", f"memory beside the index, a text of {size / 1e9:.1f} GB", beside, "MiB",
          command, "<= 64 MiB", beside <= 64, rss_mib=run["rss"] // 2**20,
          index_mib=os.path.getsize(one) // 2**20, **held)


ALL = {"build": build, "benign": benign, "leak": leak, "workbook": workbook,
       "office": lambda b: office.office(b, documents, index, scan_command),
       "mail": lambda b: mailbox_part.mail(b, index, scan_command, documents),
       "peers": lambda b: peers.text(b), "recall": recall, "false_rows": false_rows,
       "false_alarms": false_alarms, "memory": memory,
       "access": lambda b: dbs.access(b, index, scan_command, documents),
       "databases": lambda b: dbs.databases(b, index, scan_command, documents),
       "containers": lambda b: containers.containers(b, documents, index, scan_command)}
