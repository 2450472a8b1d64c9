#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the script of 'mikv completion SHELL' in that shell and compares what it offers with what help lists.

usage: check_completion.py MIKV SHELL    SHELL: bash, zsh or fish
Exit code: 0 as it should be, 1 not, 77 the shell is not installed.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import shell_completion

# By these names the shells find them.
SCRIPTS = {"bash": "mikv", "zsh": "_mikv", "fish": "mikv.fish"}
WITH_WORDS = [("replay", "--importance-format"), ("replay", "--retained-format"), ("replay", "--policy"),
              ("replay", "--backend"), ("replay", "--color"), ("diff", "--color"), ("trace", "synth", "--profile"),
              ("trace", "synth", "--dtype"), ("plan", "--policy"), ("sweep", "--retained-format"), ("sweep", "--balancer"),
              ("sweep", "--policy")]
FREE_TEXT = ["--importance-ratio", "--threads", "--fail-if"]
WITH_FILES = [["replay"], ["replay", "--json"], ["replay", "--plan"], ["diff"], ["diff", "a.json"],
              ["sweep"], ["sweep", "a.json"], ["trace", "check"], ["trace", "synth"], ["trace", "slice", "x", "--out"], ["replay", "--quiet"]]


class Checker:
    def __init__(self, mikv, shell, folder):
        self.mikv, self.folder = mikv, folder
        self.ask_shell = getattr(shell_completion, shell)
        self.script = folder / SCRIPTS[shell]
        self.script.write_text(self.run("completion", shell).stdout)
        # Those of shells that are not installed too.
        self.scripts = [self.run("completion", name).stdout for name in SCRIPTS]
        self.work = folder / "work"
        (self.work / "folder").mkdir(parents=True)
        (self.work / "a.json").touch()
        self.count, self.problems = 0, []

    def run(self, *arguments):
        return subprocess.run([self.mikv, *arguments], capture_output=True, text=True, check=False)

    def offered(self, *words):
        return self.ask_shell(self.script, ["mikv", *words], self.work)

    def expect(self, found, expected, *words):
        self.count += 1
        if found != expected:
            self.problems.append(f"'mikv {' '.join(words)}': offers {sorted(found)}, not {sorted(expected)}")

    def check_command(self, *path):
        """Every option and subcommand in the help of a command, and of its subcommands."""
        help_text = self.run(*path, "--help").stdout
        names = re.findall(r"^ +((?:--?[\w-]+,? *)+)", help_text, re.M)
        options = set(re.findall(r"--[\w-]+", " ".join(names)))
        section = re.search(r"^subcommands:\n((?: .*\n)+)", help_text, re.M | re.I)
        subcommands = set(re.findall(r"^  (\w+)", section[1], re.M)) if section else set()
        for script in self.scripts:
            self.count += 1
            missing = [name for name in options if not re.search(rf"\b{name[2:]}\b", script)]
            if missing:
                self.problems.append(f"{missing} of 'mikv {' '.join(path)}' are not in: {script.splitlines()[0]}")
        if "--help" not in options:
            self.problems.append(f"{path}: its help lists no options")
        self.expect(self.offered(*path, "--"), options, *path, "--")
        if subcommands:
            self.expect(self.offered(*path, ""), subcommands, *path, "")
        for subcommand in sorted(subcommands):
            self.check_command(*path, subcommand)

    def check_words(self, *path):
        """Just the words that the program takes: its refusal of another one names them."""
        def refusal(word):
            done = self.run(*path, word)  # its arguments are missing: nothing is run
            return done.stderr if done.stderr.startswith(f"mikv: {path[-1]}: ") else ""

        words, text = self.offered(*path, ""), refusal("no-such-word")
        named = set(re.findall(r"[a-z][\w-]+", text.partition("no-such-word")[2]))
        refused = [word for word in words if refusal(word)]
        self.count += 1
        if not words or refused or not words <= named:
            self.problems.append(f"{path}: offers {sorted(words)}; refused: {refused}; {text}")

    def check_all(self):
        self.check_command()
        self.expect(self.offered("rep"), {"replay"}, "rep")
        self.expect(self.offered("replay", "--retained-format", "int"), {"int8", "int4", "int3", "int2"}, "int")
        self.expect(self.offered("completion", ""), {"bash", "zsh", "fish"}, "completion")
        # A file's name is no subcommand.
        self.expect(self.offered("trace", "info", "check", "--j"), {"--json"}, "trace info check --j")
        for path in WITH_WORDS:
            self.check_words(*path)
        for option in FREE_TEXT:
            self.expect(self.offered("replay", option, ""), set(), "replay", option)
        for words in WITH_FILES:
            names = {name.rstrip("/") for name in self.offered(*words, "")}
            self.expect(names, {"a.json", "folder"}, *words)


def main():
    mikv, shell = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    if not shutil.which(shell):
        print(f"skipped: {shell} was not found")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        checker = Checker(mikv, shell, pathlib.Path(folder))
        checker.check_all()
        if shell == "bash":
            checker.expect(checker.offered("replay", "--policy", "=", "sn"), {"snapkv"}, "--policy=sn")
            checker.expect(checker.offered("replay", "--policy", "="), set(checker.offered("replay", "--policy", "")),
                           "--policy=")
    print("\n".join(checker.problems) or f"{shell}: {checker.count} checks, all as help has it")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
