"""libkulla as it is installed: installs the build into an empty folder, compiles the example against
it with pkg-config alone, and lets it judge a leak as `kulla scan` does.

usage: library.py KULLA SOURCE-ROOT SANITIZE CC... -- CXX...
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

KULLA = pathlib.Path(sys.argv[1]).resolve()
SOURCE = pathlib.Path(sys.argv[2])
EXAMPLE = SOURCE / "examples/inspect_file.c"
SANITIZE = [] if sys.argv[3] == "none" else [f"-fsanitize={sys.argv[3]}"]
CC = sys.argv[4:sys.argv.index("--")]
CXX = sys.argv[sys.argv.index("--") + 1:]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]


def run(*args, expect=0, env=None):
    p = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=300, check=False,
                       env={**os.environ, **(env or {})})
    assert p.returncode == expect, f"{args[0]} ended with {p.returncode}\n{p.stdout}{p.stderr}"
    return p


class World:
    """An installed kulla and a small nation, in a folder that goes away."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "root"
        # --no-rebuild: the tests run on what is built; DESTDIR: nobody needs to be root.
        run("meson", "install", "-C", KULLA.parent, "--no-rebuild", "--quiet", "--destdir", self.root)
        pc = next(self.root.rglob("kulla.pc"))
        self.pc_env = {"PKG_CONFIG_LIBDIR": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(self.root),
                       "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1", "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1"}
        self.lib_env = {"LD_LIBRARY_PATH": str(pc.parent.parent)}
        # Some pkg-configs put the sysroot before variables too: asked without one.
        self.fixed = run("pkg-config", "--variable=worker", "kulla",
                         env={"PKG_CONFIG_LIBDIR": str(pc.parent)}).stdout.strip()
        self.worker = pathlib.Path(f"{self.root}{self.fixed}")
        self.program = self.folder / "inspect_file"
        nation = self.folder / "nation"
        run(KULLA, "synth", "--people", "20000", "--seed", "3", "--out", nation)
        self.leaks = nation / "leaks"
        self.key = self.folder / "k.key"
        self.index = self.folder / "salaries.kidx"
        run(KULLA, "keygen", self.key)
        run(KULLA, "register", "build", "--schema", nation / "salaries.yaml", "--key", self.key,
            "-o", self.index, nation / "salaries.csv")

    def pkg(self, *args):
        return run("pkg-config", *args, "kulla", env=self.pc_env).stdout.split()

    def inspect(self, path, *more, expect, key=None):
        return run(self.program, self.index, key or self.key, path, *(more or [self.worker]),
                   expect=expect, env=self.lib_env)

    def scan(self, path):
        p = subprocess.run([self.worker, "scan", "--index", self.index, "--key", self.key,
                            "--format", "json", path], capture_output=True, text=True, check=False)
        return json.loads(p.stdout)


def headers_library_and_page_are_installed(w):
    have = {p.name for p in w.root.rglob("*") if not p.is_dir()}
    want = {"kulla.h", "inspect.h", "finding.h", "result.h", "version.h", "libkulla.so",
            "libkulla.so.0", "kulla.pc", "libkulla.3", "kulla"}
    assert want <= have, f"not installed: {want - have}"
    assert not any(name.endswith(".a") for name in have), "an archive was installed"


def pkg_config_asks_for_nothing_but_libkulla(w):
    assert w.pkg("--print-requires", "--print-requires-private") == []
    assert w.pkg("--static", "--libs")[-1] == "-lkulla"
    version = run(w.worker, "--version").stdout.split()[1]
    assert w.pkg("--modversion") == [version]


def the_example_is_short_and_compiles_without_a_warning(w):
    assert len(EXAMPLE.read_text().splitlines()) <= 60
    run(*CC, *SANITIZE, "-std=c11", *WARNINGS, EXAMPLE, "-o", w.program, *w.pkg("--cflags", "--libs"))


def headers_are_cplusplus_too(w):
    source = w.folder / "host.cc"
    source.write_text("#include <kulla/kulla.h>\n"
                      "int main() { return kl_version()[0] == '0' ? 0 : 1; }\n")
    run(*CXX, *SANITIZE, "-std=c++17", *WARNINGS, source, "-o", w.folder / "host",
        *w.pkg("--cflags", "--libs"))
    run(w.folder / "host", env=w.lib_env)


def a_leak_is_blocked_with_the_finding_of_scan(w):
    for leak in sorted(w.leaks.glob("01j-*.xlsx")) + sorted(w.leaks.glob("04-*.txt")):
        lines = w.inspect(leak, expect=1).stdout.splitlines()
        found, scanned = json.loads(lines[-1]), w.scan(leak)
        assert lines[0].startswith("block: block."), lines[0]
        rows = scanned["registers"][0]["rows"]
        assert rows > 100 and lines[1].startswith(f"{rows} rows of salaries: nid "), lines[1]
        del found["seconds"], scanned["seconds"], scanned["id"]
        assert found == scanned, f"{found}\n{scanned}"


def what_is_no_leak_passes(w):
    out = w.inspect(w.leaks / "30-phone-book.csv", expect=0).stdout
    assert out.startswith("pass: \n"), out


def what_was_not_inspected_does_not_pass(w):
    cut = w.folder / "cut.xlsx"
    cut.write_bytes(next(w.leaks.glob("01j-*.xlsx")).read_bytes()[:3000])
    out = w.inspect(cut, expect=1).stdout
    assert out.startswith("not_inspected: not_inspected (format)\n"), out


def failures_say_what_and_the_remedy(w):
    other = w.folder / "other.key"
    run(KULLA, "keygen", other)
    said = w.inspect(w.index, key=other, expect=3).stderr
    assert "wrong key" in said, said
    said = w.inspect(w.leaks / "none.csv", expect=3).stderr
    assert "cannot be opened" in said and "; " in said, said
    said = w.inspect(w.index, "/bin/true", expect=3).stderr
    assert "is the worker program a kulla" in said, said


def the_worker_is_the_kulla_of_the_prefix_and_no_variable_changes_that(w):
    """Without [KULLA] the path fixed at build time counts. Nothing of this test is installed there, so
    it fails, or a kulla that this machine has answers."""
    library = next(w.root.rglob("libkulla.so.0")).read_bytes()
    assert b"\0" + w.fixed.encode() + b"\0" in library, w.fixed
    if not pathlib.Path(w.fixed).exists():
        env = {**w.lib_env, "PATH": f"{w.worker.parent}:{os.environ['PATH']}"}
        p = run(w.program, w.index, w.key, w.index, expect=3, env=env)
        assert "worker program could not be started" in p.stderr, p.stderr


TESTS = [headers_library_and_page_are_installed, pkg_config_asks_for_nothing_but_libkulla,
         the_example_is_short_and_compiles_without_a_warning, headers_are_cplusplus_too,
         a_leak_is_blocked_with_the_finding_of_scan, what_is_no_leak_passes,
         what_was_not_inspected_does_not_pass, failures_say_what_and_the_remedy,
         the_worker_is_the_kulla_of_the_prefix_and_no_variable_changes_that]


def main():
    print("TAP version 13")
    if os.environ.get("KULLA_EMULATED"):
        print("1..0 # SKIP no caged worker under user-mode emulation")
        return 0
    bad = 0
    with tempfile.TemporaryDirectory(prefix="kulla-library-") as folder:
        world = World(folder)
        for number, test in enumerate(TESTS, 1):
            try:
                test(world)
                print("ok", number, test.__name__, flush=True)
            except Exception as e:  # pylint: disable=broad-except
                bad += 1
                print("\n".join(f"# {line}" for line in repr(e).split("\\n")))
                print("not ok", number, test.__name__, flush=True)
    print(f"1..{len(TESTS)}")
    return bad > 0


sys.exit(main())
