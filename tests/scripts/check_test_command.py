#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""'mikv test' as its users meet it: reports, exit codes, kernels that crash or hang.

usage: check_test_command.py MIKV SOURCE_DIR WORK_DIR
Exit code: 0 right, 1 not, 77 skipped (Python package jsonschema is missing).
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

try:
    import jsonschema
except ImportError:
    print("skipped: the Python package jsonschema is missing (Debian: python3-jsonschema)")
    sys.exit(77)

FEW = ["--filter", "s=(17|40|150):r=0.2:int2(:b=2)?(:wide)?:seed"]
LIBRARIES = ["unbroken", "head_mapping", "crash", "hang"]


class Checks:
    def __init__(self, mikv, source, work):
        self.mikv = mikv
        self.work = work
        self.core = source / "core"
        self.documents = [source / "README.md", source / "tools/kernel_test/README.md"]
        self.schema = json.loads((source / "tools/schemas/test.schema.json").read_text(encoding="utf-8"))

    def run(self, library, *options, expect, env=None):
        plugin = [] if library is None else ["--plugin", str(self.work / library)]
        result = subprocess.run([self.mikv, "test", *plugin, *options], capture_output=True, text=True, check=False,
                                env={**os.environ, **(env or {})})
        assert result.returncode == expect, f"{library} {options}: exit code {result.returncode}: {result.stderr}"
        if expect > 1:
            assert result.stderr.startswith("mikv: ") and result.stderr.count("\n") == 1, result.stderr
        return result

    def report(self, library, *options, expect):
        document = json.loads(self.run(library, *options, "--json", "-", expect=expect).stdout)
        jsonschema.Draft7Validator(self.schema).validate(document)
        return document

    def right_plugin(self):
        report = self.report("unbroken.so", *FEW, "--repeat", "3", expect=0)
        assert report["total"]["passed"] == report["total"]["cases"] > 30, report["total"]
        assert {case["operation"] for case in report["cases"]} == set(report["plugin"]["operations"])
        # the reference's order of operations is not asked for, and this plug-in does not claim it
        assert self.report("unbroken.so", "--op", "decode", *FEW, "--judge", "bitwise", expect=1)["total"]["failed"] > 0
        assert self.report("unbroken.so", "--op", "append", *FEW, "--judge", "bitwise", expect=0)["total"]["failed"] == 0

    def wrong_plugin(self):
        junit, summary = self.work / "junit.xml", self.work / "summary.md"
        summary.unlink(missing_ok=True)
        self.run("head_mapping.so", "--op", "decode", *FEW, "--junit", str(junit), "--github", "--minimize", expect=1,
                 env={"GITHUB_STEP_SUMMARY": str(summary)})
        suites = ElementTree.parse(junit).getroot()
        failures = suites.findall("./testsuite/testcase/failure")
        assert len(failures) == int(suites.get("failures")) > 0 and "head_mapping" in failures[0].get("message")
        assert "| --- |" in summary.read_text(encoding="utf-8")
        report = self.report("head_mapping.so", "--op", "decode", *FEW, "--minimize", expect=1)
        smallest = report["minimized"][0]
        assert smallest["status"] == "failed" and smallest["diagnosis"] == "head_mapping", smallest
        again = self.report("head_mapping.so", "--case", smallest["name"], expect=1)
        assert [case["name"] for case in again["cases"]] == [smallest["name"]]

    def killed_plugins(self):
        report = self.report("crash.so", *FEW, expect=1)
        for case in report["cases"]:
            assert case["status"] == ("error" if case["operation"] == "decode" else "passed"), case
        assert "SIGSEGV" in next(case["message"] for case in report["cases"] if case["status"] == "error")
        report = self.report("hang.so", "--op", "decode", "--case", "decode:q2k1d16:s=9", "--time-limit", "0.3", expect=1)
        assert "0.3 s" in report["cases"][0]["message"]

    def bad_input(self):
        names = self.run(None, "--list", expect=0).stdout.split()
        assert len(names) == len(set(names)) > 300
        self.run(None, expect=2)
        self.run("unbroken.so", "--filter", "(", expect=2)
        self.run("unbroken.so", "--filter", "nothing has this name", expect=2)
        self.run("unbroken.so", "--case", "decode:q4k2d63", expect=2)
        self.run("unbroken.so", "--judge", "ulp<=x", expect=2)
        self.run("unbroken.so", "--junit", str(self.work / "no folder/j.xml"), *FEW, expect=3)
        self.run("missing.so", expect=3)
        (self.work / "text.so").write_text("no library", encoding="utf-8")
        self.run("text.so", expect=3)
        self.run("unbroken.so", "--seed", "-1", expect=2)
        once = self.run(None, "--list", "--case", "decode:q2k1d16:s=9", "--case", "decode:q2k1d16:s=9:int2", expect=0)
        assert once.stdout.count("\n") == 1, once.stdout

    def compile(self, name, text):
        source = self.work / f"{name}.c"
        source.write_text(f'#include <unistd.h>\n#include "mikv.h"\n{text}\n', encoding="utf-8")
        subprocess.run(["cc", "-shared", "-fPIC", "-I", self.core, "-o", self.work / f"{name}.so", source], check=True)
        return f"{name}.so"

    def refused(self, name, text, message, *options):
        result = self.run(self.compile(name, text), *FEW, *options, expect=3)
        assert message in result.stderr, result.stderr

    def bad_tables(self):
        table = ("const mikv_kernels* mikv_plugin(void) {{ static const mikv_kernels k = {{.struct_size = sizeof(mikv_kernels), "
                 ".abi_version = MIKV_ABI_VERSION, .name = \"t\", {}}}; return &k; }}")
        self.refused("empty", "int nothing;", "mikv_plugin: is not a function")
        self.refused("null", "const mikv_kernels* mikv_plugin(void) { return 0; }", "mikv_plugin: returns a null pointer")
        self.refused("memory", table.format(".memory = 7"), "mikv_kernels.memory: is 7")
        self.refused("version", table.format(".struct_size = 8"), "structure size 8")
        slow = "__attribute__((constructor)) static void wait(void) { sleep(60); }"
        self.refused("slow", slow + table.format(".memory = MIKV_MEMORY_HOST"), "ran longer than 0.3 s", "--time-limit", "0.3")
        nothing = self.run(self.compile("nothing", table.format(".memory = MIKV_MEMORY_HOST")), *FEW, expect=1)
        assert "nothing.so: implements none of these cases" in nothing.stderr, nothing.stderr
        right = self.run("unbroken.so", "--case", "decode:q2k1d16:s=9", expect=0)
        assert right.stderr == "", right.stderr

    def recorded_cases(self):
        trace = "data/traces/text112-layer-3.safetensors"
        names = self.run(None, "--list", "--trace", trace, expect=0).stdout.split()
        assert len(names) > 50 and all(f":trace={trace}:layer=3:" in name for name in names), names
        report = self.report("unbroken.so", "--trace", trace, expect=0)
        assert [case["name"] for case in report["cases"]] == names
        assert report["total"]["passed"] == report["total"]["cases"], report["total"]
        some = ["--trace", trace, "--op", "decode", "--filter", "r=0.2:int2"]
        assert self.report("head_mapping.so", *some, expect=1)["total"]["failed"] == 2
        smallest = self.report("head_mapping.so", *some, "--minimize", expect=1)["minimized"][0]["name"]
        assert f":trace={trace}:layer=3:s=" in smallest, smallest
        self.run("unbroken.so", "--trace", trace, "--case", "decode:q4k2d64", expect=2)
        self.run("unbroken.so", "--trace", "README.md", expect=3)

    def documented_cases(self):
        """Every name of a case that the documents give."""
        text = "".join(document.read_text(encoding="utf-8") for document in self.documents)
        words = set(re.findall(r"\b(?:decode|compress|append|demote|dequantize):[a-z][\w.=:+/-]*[\w]", text))
        assert len(words) > 8, words
        for word in words:
            self.run(None, "--list", "--case", word, expect=0)


def main():
    mikv, source, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    subprocess.run([sys.executable, source / "tests/scripts/build_planted_bugs.py", source, work, *LIBRARIES], check=True)
    checks = Checks(mikv, source, work)
    for check in (checks.right_plugin, checks.wrong_plugin, checks.killed_plugins, checks.bad_input, checks.bad_tables,
                  checks.recorded_cases,                  checks.documented_cases):
        check()
        print(f"{check.__name__}: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
