#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make coverage: which lines of kmod/ do the tests reach?

Runs all tests that need the machine with a module built for gcov, merges what
all boots have counted, writes build/coverage/html, prints a line per file and,
as the last line, the total.  Fails when that is too low or data is missing; a
failed test fails it, too, but does not keep the numbers back.

With --report the last run's data is looked at again.  Names of tests run only
these: their numbers are printed and not judged.
"""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tarfile

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILD = os.path.join(TOP, "build", "gcov")      # the module and its .gcno files
OUT = os.path.join(TOP, "build", "coverage")
TARS = os.path.join(OUT, "boots")
LEAST = 90.0            # per cent of the lines


class Failure(Exception):
    """Something that is said in one line and ends the run."""


def say(text):
    print(text, flush=True)


def call(*cmd, **kwargs):
    """Run a program quietly; what it said is told when it fails."""
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace", check=False, **kwargs)
    if r.returncode:
        raise Failure(f"{cmd[0]} has failed:\n" + "\n".join(r.stdout.splitlines()[-15:]))
    return r.stdout


def build(kdir):
    """From nothing: counters of an older object would not fit."""
    shutil.rmtree(BUILD, ignore_errors=True)
    call(os.path.join(TOP, "tools", "build-variant.sh"), BUILD, kdir, "ZMQ_GCOV=1")


def run_tests(kdir, tests):
    """All boots, each leaving a tar; true when every test has passed."""
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(TARS)
    append = f"{os.environ.get('VM_APPEND', '')} kmemleak=off".strip()
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    env.update(VM_GCOV=TARS, VM_APPEND=append, KO=os.path.join(BUILD, "zmq.ko"),
               VM_KERNEL=kdir, VM_SLOW=os.environ.get("VM_SLOW") or "6",
               ZMQ_SECONDS=os.environ.get("ZMQ_SECONDS") or "60")
    check = os.path.join(TOP, "selftests", "check.py")
    return subprocess.run([sys.executable, "-B", check, "--machine", *tests],
                          env=env, check=False).returncode == 0


def unpack(tar, to):
    """The counters of one boot, beside links to the notes of the compiler."""
    try:
        with tarfile.open(tar) as t:
            members = [m for m in t.getmembers() if m.name.endswith(".gcda")]
            inside = os.path.relpath(os.path.join(BUILD, "kmod"), "/") + os.sep
            members = [m for m in members if m.name.startswith(inside)]
            for m in members:
                with t.extractfile(m) as src, open(
                        os.path.join(to, os.path.basename(m.name)), "wb") as dst:
                    shutil.copyfileobj(src, dst)
    except tarfile.TarError as e:
        raise Failure(f"{tar}: {e}") from e
    notes = glob.glob(os.path.join(BUILD, "kmod", "*.gcno"))
    if not members or not notes:
        raise Failure(f"{tar} has no counters of {BUILD}")
    for note in notes:
        os.symlink(note, os.path.join(to, os.path.basename(note)))


def lcov(*args):
    """With the gcov of the compiler that built the module."""
    version = call("gcc", "-dumpversion").strip().split(".")[0]
    return call("lcov", "--quiet", "--gcov-tool", f"gcov-{version}",
                "--rc", "geninfo_auto_base=0", *args)


def collect():
    """One .info of all boots, with the names of the sources."""
    infos = []
    for tar in sorted(glob.glob(os.path.join(TARS, "*.tar"))):
        work = tar[:-len(".tar")]
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        unpack(tar, work)
        infos.append(work + ".info")
        lcov("--capture", "--directory", work, "--base-directory", BUILD,
             "--output-file", infos[-1])
    if not infos:
        raise Failure(f"no boot has left counters in {TARS}")
    total = os.path.join(OUT, "total.info")
    lcov(*[x for i in infos for x in ("--add-tracefile", i)], "--output-file", total)
    with open(total, encoding="utf-8") as f:
        text = f.read()
    # the sources are behind links
    text = text.replace(f"SF:{BUILD}/", f"SF:{TOP}/")
    with open(total, "w", encoding="utf-8") as f:
        f.write(text)
    lcov("--extract", total, os.path.join(TOP, "kmod", "*"), "--output-file", total)
    return total


def figures(info):
    """{file: (lines, of these reached)}"""
    out, name, lines = {}, None, {}
    with open(info, encoding="utf-8") as f:
        for line in map(str.rstrip, f):
            key, _, rest = line.partition(":")
            if key == "SF":
                name, lines = os.path.relpath(rest, TOP), {}
            elif key == "DA":
                no, count = rest.split(",")[:2]
                lines[no] = max(lines.get(no, 0), int(count))
            elif key == "end_of_record":
                out[name] = len(lines), sum(n > 0 for n in lines.values())
    return out


def report(judge):
    info = collect()
    call("genhtml", "--quiet", "--prefix", TOP, "--title", "AF_ZMQ",
         "--output-directory", os.path.join(OUT, "html"), info)
    files = figures(info)
    known = glob.glob(os.path.join(BUILD, "kmod", "*.gcno"))
    sources = {f for f in files if f.endswith(".c")}
    if len(sources) < len(known) - 2:   # tables only have no lines
        raise Failure(f"{len(known)} files were built, only {len(sources)} were counted")
    width = max(map(len, files))
    for name, (n, hit) in sorted(files.items()):
        say(f"{name:{width}} {100 * hit / n:6.1f} % of {n:4} lines, {n - hit:3} not reached")
    n, hit = (sum(x) for x in zip(*files.values()))
    share = 100 * hit / n
    say(f"html: {os.path.relpath(OUT, TOP)}/html/index.html")
    say(f"coverage of kmod/: {share:.1f} % of {n} lines")
    if judge and share < LEAST:
        raise Failure(f"less than {LEAST} %")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--kdir", help="build directory of a kernel with gcov")
    p.add_argument("--report", action="store_true", help="only the numbers of the last run")
    p.add_argument("tests", nargs="*")
    args = p.parse_args()
    passed = True
    try:
        if not args.report:
            if not args.kdir:
                raise Failure("--kdir is missing")
            build(args.kdir)
            passed = run_tests(args.kdir, args.tests)
        report(not args.tests)
    except Failure as e:
        say(f"coverage: {e}")
        return 1
    if not passed:
        say("coverage: some tests have failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
