#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every plug-in file has its registration line and the other way round.

usage: check_lists.py SOURCE_DIR
Exit code: 0 they match, 1 not.
"""
import pathlib
import re
import sys

LISTS = {"core/storage_format_list.inc": "core/formats", "core/policy_list.inc": "core/policies"}


def main():
    source = pathlib.Path(sys.argv[1])
    failed = False
    for list_name, folder in LISTS.items():
        lines = set(re.findall(r"^MIKV_\w+\((\w+)\)$", (source / list_name).read_text(encoding="utf-8"), re.M))
        files = {path.stem for path in (source / folder).glob("*.cpp")}
        for name in sorted(lines ^ files):
            where = f"a line in {list_name}" if name in lines else f"a file in {folder}"
            print(f"{name} has only {where}")
        failed |= lines != files or not lines
        print(f"{list_name}: {len(lines)} lines, {len(files)} files")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
