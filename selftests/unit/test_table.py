#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The tables of ../README.md against the tests and the headers, that of the kernel's
sockets and that of the library, and those of ../SECURITY.md: a row names tests that
exist, or says why there is none; nothing is without a row.

The last cell of a row is `program test test...`, several of them with commas,
or "no test:" and the reason.
"""

import ast
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
SELFTESTS = os.path.dirname(HERE)
HEADER = os.path.join(os.path.dirname(SELFTESTS), "uapi", "linux", "zmq.h")
HEADING = "## Conformance with libzmq"
SHIM_HEADER = os.path.join(os.path.dirname(SELFTESTS), "userlib", "zmq.h")
SHIM_HEADING = "## libzmq's interface"
RECORD = os.path.join(SELFTESTS, "SECURITY.md")
RECORD_HEADINGS = "## Known holes", "## What reading it has shown"
NO_TEST = "no test:"
LIBZMQ_LAST = 124       # the highest option number of libzmq

C_TEST = re.compile(r"^\s*(?:TEST|TEST_SIGNAL|KZ_TEST_TIMEOUT|OPTION)\((\w+)\s*[,)]"
                    r"|^\s*TEST_F(?:_TIMEOUT|_SIGNAL)?\(\w+,\s*(\w+)\s*[,)]", re.M)


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def c_tests(path):
    return {a or b for a, b in C_TEST.findall(text_of(path))}


def handed_over(tree):
    """Names of functions that are passed on, or called by a lambda that is."""
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for n in ast.walk(tree):
        if isinstance(n, ast.Lambda):
            called -= {id(c.func) for c in ast.walk(n) if isinstance(c, ast.Call)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)
            and isinstance(n.ctx, ast.Load) and id(n) not in called}


def python_tests(path):
    """Functions that are handed over as cases, or decorated to be."""
    tree = ast.parse(text_of(path))
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    found = {f.name for f in functions if f.decorator_list}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        found |= handed_over(node) & {f.name for f in functions}
        if isinstance(node, ast.ImportFrom) and node.module == "matrix" \
                and any(a.name == "run" for a in node.names):
            found |= python_tests(os.path.join(os.path.dirname(path), "matrix.py"))
    return found


def all_tests():
    """The test names of each program."""
    found = {}
    for part in "kernel", "debug", "shim":
        for path in glob.glob(os.path.join(SELFTESTS, part, "test_*.c")):
            found[os.path.basename(path)[:-2]] = c_tests(path)
    for part in "interop", "shim":
        for path in glob.glob(os.path.join(SELFTESTS, part, "test_*.py")):
            found[os.path.basename(path)[:-3]] = python_tests(path)
    return found


def table_rows(text, heading=HEADING):
    """(section, cells) of each row, without those of the headings."""
    if heading not in text:
        return []
    part = re.split(r"^## ", text[text.index(heading) + 3:], flags=re.M)[0]
    section, rows, last = "", [], ""
    for line in part.splitlines():
        if line.startswith("### "):
            section = line[4:]
        elif line.startswith("|"):
            cells = [c.strip() for c in line.strip()[1:-1].split("|")]
            if set(line) <= set("|-: "):
                rows.pop()      # the line before was the heading
            else:
                rows.append((section, cells))
        elif last.startswith("|") and line:
            rows.append((section, [line]))      # a row that was broken
        last = line
    return rows


def wrong_row(cells, tests):
    """What is wrong with a row, None when nothing is."""
    if len(cells) != 3 or not cells[0]:
        return "not three cells"
    where = cells[2]
    if where.startswith(NO_TEST):
        return None if len(where) > len(NO_TEST) + 10 else "no reason"
    if not re.fullmatch(r"`[\w ]+`(, `[\w ]+`)*", where):
        return f"neither tests nor a reason: {where!r}"
    for item in re.findall(r"`([\w ]+)`", where):
        program, *names = item.split()
        if program not in tests:
            return f"no program {program}"
        if not names:
            return f"no test of {program} is named"
        for name in names:
            if name not in tests[program]:
                return f"{program} has no test {name}"
    return None


def wrong_rows(rows, tests):
    found = [f"{' | '.join(cells[:2])[:70]}: {what}" for _, cells in rows
             if (what := wrong_row(cells, tests))]
    seen = set()
    for section, cells in rows:
        if (section, *cells[:2]) in seen:
            found.append(f"twice: {cells[0]}")
        seen.add((section, *cells[:2]))
    return found


def header_options(header):
    """Numbers and names of what getsockopt() and setsockopt() know."""
    begin = header.index("/* Options at level SOL_ZMQ")
    end = header.index("/* Values of ZMQ_EVENTS */")
    return {int(number): name for name, number in
            re.findall(r"^#define ZMQ_(\w+)\s+(\d+)", header[begin:end], re.M)}


def table_options(rows, wanted="Options"):
    """The same of the table; names are None for ranges of numbers."""
    found = {}
    for section, cells in rows:
        if section != wanted:
            continue
        for a, b in re.findall(r"\b(\d+)-(\d+)\b", cells[0]):
            found.update(dict.fromkeys(range(int(a), int(b) + 1)))
        for number in re.findall(r"\b\d+\b", cells[0]):
            found.setdefault(int(number))
        for number, name in re.findall(r"\b(\d+) ([A-Z]\w+)", cells[0]):
            found[int(number)] = name
    return found


def missing_options(rows, header):
    ours, told = header_options(header), table_options(rows)
    found = [f"option {n} {name} has no row" for n, name in ours.items()
             if told.get(n) != name]
    return found + [f"option {n} of libzmq has no row"
                    for n in range(1, LIBZMQ_LAST + 1) if n not in told]


def missing_events(rows, header):
    told = {word for section, cells in rows if section == "Events"
            for word in re.findall(r"\b[A-Z]\w+", cells[0])}
    ours = re.findall(r"^#define ZMQ_EVENT_(\w+)\s+0x", header, re.M) \
        + re.findall(r"^#define ZMQ_PROTOCOL_ERROR_(\w+)\s+0x", header, re.M)
    return [f"event {name} has no row" for name in ours
            if name not in told and name != "ALL"]


def missing_functions(rows, header):
    told = {word for section, cells in rows if section == "Functions"
            for word in re.findall(r"\bzmq_\w+", cells[0])}
    ours = set(re.findall(r"^ZMQ_EXPORT .*?\b(zmq_\w+)\(", header, re.M))
    if len(ours) < 90:
        return [f"{len(ours)} functions in zmq.h"]
    return [f"{name} has no row" for name in sorted(ours - told)] \
        + [f"{name} is no function of zmq.h" for name in sorted(told - ours)]


def missing_shim_options(rows, header):
    """All between the comments that say "Options of a socket" and the next one."""
    ours = {}
    for part in header.split("/* Options of a socket */")[1:]:
        part = part[:part.index("/* Values of")]
        ours.update({int(number): name for name, number in
                     re.findall(r"^#define ZMQ_(\w+)[ \t]+(\d+)", part, re.M)})
    if len(ours) < 100:
        return [f"{len(ours)} options in zmq.h"]
    told = table_options(rows, "Options of the interface")
    return [f"option {n} {name} has no row" for n, name in sorted(ours.items())
            if told.get(n) != name]


def shim_points(tests, text):
    """The library's table, once there is a library."""
    if not os.path.exists(SHIM_HEADER):
        return ()
    rows, header = table_rows(text, SHIM_HEADING), text_of(SHIM_HEADER)
    return (
        ("rows of the library name tests that exist", wrong_rows(rows, tests)),
        ("each function of the library has a row", missing_functions(rows, header)),
        ("each option of the library has a row", missing_shim_options(rows, header)),
        ("missing rows of the library are missed",
         [] if missing_functions([], header)
         and missing_shim_options([], header) else ["they are not"]),
    )


def hole_of(name):
    """What a row has to say whose test has this name, None for any."""
    m = re.match(r"cve_(\d+)_(\d+)_|issue_(\d+)_|commit_([0-9a-f]+)_", name)
    if not m:
        return None
    return f"CVE-{m[1]}-{m[2]}" if m[1] else m[3] or m[4]


def missing_holes(rows, tests):
    """A test that is named after a hole stands in that hole's row."""
    told = {}
    for _, cells in rows:
        for item in re.findall(r"`([\w ]+)`", cells[-1]):
            program, *names = item.split()
            for name in names:
                told[program, name] = told.get((program, name), "") + cells[0]
    return [f"{program} {name} is not in the row of {hole_of(name)}"
            for program, names in tests.items() for name in sorted(names)
            if hole_of(name) and hole_of(name) not in told.get((program, name), "")]


def record_points(tests):
    """The security record."""
    text = text_of(RECORD)
    rows = [r for h in RECORD_HEADINGS for r in table_rows(text, h)]
    return (
        ("there is a security record", [] if len(rows) > 25
         else [f"{len(rows)} rows"]),
        ("rows of the record name tests that exist", wrong_rows(rows, tests)),
        ("each test named after a hole has its row", missing_holes(rows, tests)),
        ("missing holes are missed",
         [] if missing_holes([], tests) else ["they are not"]),
    )


ROTTEN = """{}
### Options
| option | rule | test |
|---|---|---|
| 1 GOOD | a | `test_socket every_type` |
| 2 NOBODY | a | `test_socket nobody_wrote_this` |
| 3 PROGRAM | a | `test_no_such_program x` |
| 4 ALONE | a | `test_socket` |
| 5 HELPER | a | `test_interop_routing send_routed` |
| 6 EMPTY | a | |
| 7 BECAUSE | a | no test: |
| 8 SHORT | `test_socket every_type` |
| 9 REASON | a | no test: nothing can see it |
| 9 REASON | a | `test_interop_routing _drops` |
| 10-12 RANGE | a | `test_matrix_pubsub single` |
""".format(HEADING)


def notices(tests, header):
    """Does all this notice anything? Rotten rows, and how many it has to find."""
    rows = table_rows(ROTTEN)
    wrong = wrong_rows(rows, tests)
    found = []
    for what in ("nobody_wrote_this", "no program", "no test of", "send_routed",
                 "EMPTY", "no reason", "not three cells", "twice: 9"):
        if sum(what in w for w in wrong) != 1:
            found.append(f"not noticed once: {what}")
    if len(wrong) != 8:
        found.append(f"{len(wrong)} complaints: {wrong}")
    if sorted(table_options(rows)) != list(range(1, 13)):
        found.append(f"options {table_options(rows)}")
    if not missing_options(rows, header) or not missing_events(rows, header):
        found.append("missing rows are not missed")
    return found


def main():
    tests, header = all_tests(), text_of(HEADER)
    text = text_of(os.path.join(SELFTESTS, "README.md"))
    rows = table_rows(text)
    points = (
        ("rotten rows are noticed", notices(tests, header)),
        ("there is a table", [] if len(rows) > 100 else [f"{len(rows)} rows"]),
        ("each row names tests that exist, or a reason", wrong_rows(rows, tests)),
        ("each option has a row", missing_options(rows, header)),
        ("each event has a row", missing_events(rows, header)),
        *shim_points(tests, text),
        *record_points(tests),
    )
    print(f"# {len(rows)} rows, "
          f"{sum(c[-1].startswith(NO_TEST) for _, c in rows)} without a test")
    failed = 0
    for n, (name, wrong) in enumerate(points, 1):
        for what in wrong:
            print(f"# {what}")
        print(f"{'not ok' if wrong else 'ok'} {n} - {name}")
        failed += bool(wrong)
    print(f"1..{len(points)}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
