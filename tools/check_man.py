#!/usr/bin/env python3
"""Each command's help and its manual page name the same options and exit codes. Argument: the kulla program."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, "tools")
from lint_files import finish  # noqa: E402

OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")


def of_help(kulla, command):
    text = subprocess.run([kulla, "help", command], capture_output=True, text=True, check=True).stdout
    return set(OPTION.findall(text)), text


def of_page(command):
    """Fl words, with the dash that mdoc leaves out."""
    text = pathlib.Path("man", f"kulla-{command}.1").read_text(encoding="utf-8")
    return {"-" + w for w in re.findall(r"\bFl (-?[a-z][a-z-]*)", text)}, text


def main():
    kulla = sys.argv[1]
    problems = []
    listed = subprocess.run([kulla, "help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  ([a-z]+) ", listed, re.M)
    general = pathlib.Path("man/kulla.1").read_text(encoding="utf-8")
    for command in commands:
        if f".It Ic {command}" not in general:
            problems.append(f"man/kulla.1: no command {command}")
        have, text = of_help(kulla, command)
        page, source = of_page(command)
        have -= {"--help", "-h"}
        page -= {"--help", "-h"}
        for option in sorted(have ^ page):
            where = f"man/kulla-{command}.1" if option in have else f"kulla help {command}"
            problems.append(f"{where}: {option} is missing")
        if ".Sh EXIT STATUS" not in source:
            problems.append(f"man/kulla-{command}.1: no exit status")
        exits = text[text.find("exit:"):] if "exit:" in text else ""
        shown = source if "As in" not in source else general
        for code in re.findall(r"(?:^exit: |[;·] *\n?)(\d) ", exits):
            if f".It {code}\n" not in shown:
                problems.append(f"man/kulla-{command}.1: exit status {code} is missing")
    finish(problems, "man_help")


main()
