#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""test_abi.py DIR: is the libzmq.so.5 in DIR what programs for libzmq expect?

Its symbols are compared with those of the machine's libzmq, its header with that
of libzmq3-dev: values, layouts and prototypes.  What libzmq 4.3.5 has and the
machine's may lack is listed here.
"""

import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
LIB = os.path.join(TOP, "userlib")
OURS = os.path.join(LIB, "zmq.h")
STOCK = "/usr/include/zmq.h"
FUNCTIONS = 97
# values that later versions have changed, and macros without one
CHANGED = {"ZMQ_VERSION", "ZMQ_VERSION_PATCH", "ZMQ_RECONNECT_STOP_AFTER_DISCONNECT"}
EMPTY = {"ZMQ_HAVE_TIMERS", "ZMQ_HAVE_POLLER"}
NEEDED = re.compile(r"libc\.so|ld-linux|libpthread\.so")

LAYOUTS = {
    "zmq_msg_t": ("_",),
    "zmq_pollitem_t": ("socket", "fd", "events", "revents"),
    "zmq_poller_event_t": ("socket", "fd", "user_data", "events"),
    "zmq_fd_t": (),
}

DRAFT = "-DZMQ_BUILD_DRAFT_API"
COMPILERS = (
    ["gcc", "-std=c99", "-pedantic"],
    ["gcc", "-std=gnu17"],
    ["g++", "-x", "c++", "-std=c++11", "-pedantic"],
    ["clang", "-std=c11"],
    ["gcc", "-m32"],
)


def find_stock():
    """The machine's libzmq, a relative path when there is none."""
    return output("gcc", "-print-file-name=libzmq.so.5").strip()


def run(*cmd, text=None):
    return subprocess.run(cmd, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, cwd=LIB)


def output(*cmd, text=None):
    r = run(*cmd, text=text)
    if r.returncode:
        raise RuntimeError(f"{' '.join(cmd)}: {r.stdout.strip()}")
    return r.stdout


def compile_c(text, *flags, cc=("gcc",)):
    """The compiler's complaints about a text, as lines."""
    source = ["-c", "-o", "/dev/null"]
    if "c++" not in cc:
        source += ["-x", "c"]
    r = run(*cc, "-Wall", "-Wextra", "-Werror", *flags, *source, "-", text=text)
    return r.stdout.strip().splitlines()[:5] if r.returncode else []


def program(text, *flags):
    """What a C program prints."""
    with tempfile.TemporaryDirectory() as tmp:
        exe = os.path.join(tmp, "a.out")
        output("gcc", DRAFT, "-o", exe, "-x", "c", "-", "-x", "none", *flags, text=text)
        return output(exe)


def symbols(path, *flags):
    """Names and types, of what is defined by default."""
    lines = output("nm", "-D", *(flags or ["--defined-only"]), path).splitlines()
    return {parts[-1]: parts[-2] for parts in map(str.split, lines)}


def declared(header, *flags):
    text = output("gcc", *flags, "-E", "-P", "-x", "c", header)
    return set(re.findall(r"\b(zmq_\w+)\s*\((?!\s*\*)[^;{}]*\)\s*;", text)) \
        - {"zmq_free_fn", "zmq_timer_fn", "zmq_thread_fn"}


def macros(header):
    text = output("gcc", DRAFT, "-dM", "-E", "-x", "c", header)
    return set(re.findall(r"^#define (ZMQ_\w+|EFSM|ETERM|EMTHREAD|ENOCOMPATPROTO)(?=\s|$)",
                          text, re.M)) - EMPTY


def values(header, names):
    lines = [f'#include <stdio.h>\n#include "{header}"\nint main(void)\n{{']
    for name in sorted(names):
        if "_PROPERTY_" in name:
            lines.append(f'puts("{name} " {name});')
        else:
            lines.append(f'printf("{name} %lld\\n", (long long)({name}));')
    text = program("\n".join(lines) + "\n}\n")
    return dict(line.split(" ", 1) for line in text.splitlines())


def layouts(header):
    lines = [f'#include <stdio.h>\n#include "{header}"\nint main(void)\n{{']
    for name, fields in LAYOUTS.items():
        lines.append(f'printf("size {name} %zu %zu\\n", sizeof({name}), _Alignof({name}));')
        for field in fields:
            lines.append(f'printf("{name} {field} %zu %zu\\n", offsetof({name}, {field}), '
                         f'sizeof((({name} *)0)->{field}));')
    return program("\n".join(lines) + "\n}\n").splitlines()


def library_name(so):
    dynamic = output("readelf", "-d", so)
    found = []
    if re.findall(r"SONAME.*\[(.*)\]", dynamic) != ["libzmq.so.5"]:
        found.append("SONAME is not libzmq.so.5")
    found += [f"needs {lib}" for lib in re.findall(r"NEEDED.*\[(.*)\]", dynamic)
              if not NEEDED.match(lib)]
    if "TEXTREL" in dynamic:
        found.append("has text relocations")
    directory = os.path.dirname(so)
    for link, to in (("libzmq.so", "libzmq.so.5"), ("libzmq.so.5", "libzmq.so.5.2.5")):
        path = os.path.join(directory, link)
        if not os.path.islink(path) or os.readlink(path) != to:
            found.append(f"{link} does not lead to {to}")
    return found


def exports(so):
    have, want = symbols(so), declared(OURS, DRAFT)
    found = [f"not exported: {n}" for n in sorted(want - have.keys())]
    found += [f"exported: {n}" for n in sorted(have.keys() - want)]
    found += [f"{n} is no function: {t}" for n, t in have.items() if t != "T"]
    if len(want) != FUNCTIONS:
        found.append(f"{len(want)} functions in the header")
    return found


def superset(so, stock):
    have = symbols(so)
    other = {n for n in symbols(stock) if n.startswith("zmq_")}
    if len(other) < 70:
        return [f"{stock} exports {len(other)} functions"]
    return [f"libzmq has {n}" for n in sorted(other - have.keys())]


def complete(so):
    """It loads with all it needs; nothing of libzmq's name comes from elsewhere."""
    found = [f"undefined: {n}" for n in symbols(so, "--undefined-only")
             if n.startswith(("zmq_", "zl_"))]
    r = run(sys.executable, "-c",
            "import ctypes, os, sys\n"
            "lib = ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW)\n"
            "v = [ctypes.c_int() for _ in range(3)]\n"
            "lib.zmq_version(*map(ctypes.byref, v))\n"
            "print(*(i.value for i in v))", so)
    if r.returncode or r.stdout.strip() != "4 3 5":
        found.append(f"zmq_version() tells {r.stdout.strip()}")
    return found


def same_values():
    stock, ours = macros(STOCK), macros(OURS)
    found = [f"not defined: {n}" for n in sorted(stock - ours)]
    names = stock & ours
    have, want = values(OURS, names), values(STOCK, names)
    if len(want) < 200:
        found.append(f"only {len(want)} compared")
    same = (want["ZMQ_VERSION_MINOR"], want["ZMQ_VERSION_PATCH"]) == ("3", "5")
    return found + [f"{n} is {have[n]}, not {want[n]}" for n in sorted(names)
                    if have[n] != want[n] and (same or n not in CHANGED)]


def same_layouts():
    have, want = layouts(OURS), layouts(STOCK)
    return [f"{h}, libzmq's: {w}" for h, w in zip(have, want) if h != w]


def same_prototypes():
    """Declared a second time, as libzmq does it: a difference is an error."""
    text = output("gcc", DRAFT, "-E", "-P", "-x", "c", STOCK)
    again = re.findall(r"__attribute__ \(\(visibility \(\"default\"\)\)\)([^;]*;)",
                       re.sub(r"\s+", " ", text))
    found = [] if len(again) >= 70 else [f"only {len(again)} compared"]
    for cc in (["gcc"], ["g++", "-x", "c++"]):
        linkage = 'extern "C" {{\n{}\n}}\n' if "c++" in cc else "{}\n"
        found += compile_c('#include "zmq.h"\n' + linkage.format("\n".join(again)),
                           DRAFT, f"-I{LIB}", cc=cc)
    return found


def compiles():
    kernel = f"-I{os.path.join(TOP, 'uapi')}"
    for cc in COMPILERS:
        if cc[0] == "clang" and run("sh", "-c", "command -v clang").returncode:
            continue
        for text in ('#include "zmq.h"\n', '#include "zmq_utils.h"\n',
                     '#include "zmq.h"\n#include <linux/zmq.h>\n',
                     '#include <linux/zmq.h>\n#include "zmq.h"\n'):
            for draft in ([], [DRAFT]):
                wrong = compile_c(text + "int x;\n", f"-I{LIB}", kernel, *draft, cc=cc)
                if wrong:
                    return [" ".join(cc)] + wrong
    return []


def drafts_are_hidden():
    stable = declared(OURS)
    found = [] if len(stable) == 70 else [f"{len(stable)} functions without drafts"]
    text = output("gcc", "-dM", "-E", "-x", "c", OURS)
    return found + [f"{n} is defined" for n in ("ZMQ_SERVER", "ZMQ_CHANNEL", "ZMQ_HAVE_POLLER",
                                                 "ZMQ_METADATA", "ZMQ_EVENT_PIPES_STATS")
                    if re.search(rf"^#define {n}\b", text, re.M)]


def links(directory):
    """A program links, with the shared and with the static library."""
    names = sorted(declared(OURS, DRAFT))
    text = f'#include "{OURS}"\nint main(void)\n{{\nvoid *volatile f[] = {{\n' + \
        ",\n".join(f"(void *){n}" for n in names) + \
        f"\n}};\nreturn sizeof(f) / sizeof(*f) != {len(names)} || !f[0];\n}}\n"
    found = []
    with open(os.path.join(directory, "libzmq.pc"), encoding="utf-8") as f:
        pc = f.read()
    private = re.search(r"^Libs\.private: *(.*)$", pc, re.M).group(1).split()
    for flags in (["-L" + directory, "-lzmq", "-Wl,-rpath," + directory],
                  [os.path.join(directory, "libzmq.a"), *private]):
        try:
            program(text, *flags)
        except RuntimeError as e:
            found.append(str(e)[-300:])
    if "@" in pc or not re.search(r"^Version: 4\.3\.5$", pc, re.M):
        found.append("libzmq.pc is not filled in")
    return found


def zmqrun(directory):
    """A program that is linked with the machine's libzmq gets ours."""
    text = '#include <stdio.h>\n#include <zmq.h>\nint main(int n, char **v)\n{\n' \
        'int a, b, c;\nzmq_version(&a, &b, &c);\n' \
        'printf("%d.%d.%d %s\\n", a, b, c, v[n - 1]);\nreturn 3;\n}\n'
    script = os.path.join(TOP, "tools", "zmqrun")
    env = dict(os.environ, ZMQRUN_LIBDIR=directory)
    found = []
    with tempfile.TemporaryDirectory() as tmp:
        exe = os.path.join(tmp, "a b")
        output("gcc", "-o", exe, "-x", "c", "-", "-lzmq", text=text)
        # a place of its own for libzmq, which -p does not mind
        output("gcc", "-o", exe + "r", "-x", "c", "-", "-lzmq", "-Wl,--disable-new-dtags",
               "-Wl,-rpath=" + os.path.dirname(find_stock()), text=text)
        for flags, name, status, want in (
                ([], exe, 3, "4.3.5 x  y"), (["-p"], exe, 3, "4.3.5 x  y"),
                (["-p"], exe + "r", 3, "4.3.5 x  y"), (["-l"], exe, 0, directory),
                ([], tmp + "/none", 127, None), (["-x"], exe, 125, None)):
            r = subprocess.run([script, *flags, name, "x  y"], env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            if r.returncode != status or (want and r.stdout.strip() != want):
                found.append(f"{flags} {name}: {r.returncode}, {r.stdout.strip()}")
    env["ZMQRUN_LIBDIR"] = "/nowhere"
    r = subprocess.run([script, "true"], env=env, stderr=subprocess.DEVNULL, check=False)
    return found + ([f"no library: {r.returncode}"] if r.returncode != 125 else [])


def points(directory):
    so = os.path.join(directory, "libzmq.so.5.2.5")
    stock = find_stock()
    no_lib = None if os.path.isabs(stock) else "the machine has no libzmq.so.5"
    no_dev = None if os.path.exists(STOCK) else "libzmq3-dev is not installed"
    yield "name, links and what it needs", lambda: library_name(so), None
    yield f"it exports the {FUNCTIONS} functions, nothing else", lambda: exports(so), None
    yield "it exports what the machine's libzmq does", lambda: superset(so, stock), no_lib
    yield "it loads by itself", lambda: complete(so), None
    yield "programs link with it, shared and static", lambda: links(directory), None
    yield "zmqrun runs programs on it", lambda: zmqrun(directory), no_lib or no_dev
    yield "the header compiles everywhere, also with the kernel's", compiles, None
    yield "drafts are for who asks for them", drafts_are_hidden, None
    yield "values are libzmq's", same_values, no_dev
    yield "layouts are libzmq's", same_layouts, no_dev
    yield "prototypes are libzmq's", same_prototypes, no_dev


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.splitlines()[0])
    directory = os.path.realpath(sys.argv[1])
    failed = n = 0
    for n, (name, check, skip) in enumerate(points(directory), 1):
        if skip:
            print(f"ok {n} - {name} # SKIP {skip}")
            continue
        try:
            wrong = check()
        except (RuntimeError, OSError) as e:
            wrong = [str(e)]
        for what in wrong:
            print(f"# {what}")
        print(f"{'not ok' if wrong else 'ok'} {n} - {name}", flush=True)
        failed += bool(wrong)
    print(f"1..{n}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
