#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run the list of tests in /zmq/tests.json inside the test machine.

Each test gets the module freshly loaded, a network and a mount namespace of
its own and a time limit.  What it prints and what goes wrong is sent to the
host line by line, so that nothing is lost when the kernel dies.
"""

import ctypes
import io
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tarfile
import time

REPORT = re.compile(
    r"\bBUG:|\bWARNING:|Oops|UBSAN:|KASAN:|KCSAN:|unreferenced object"
    r"|possible circular|INFO: task .* blocked|rcu.*\bstall|Kernel panic"
    r"|general protection fault[,:]|refcount_t|sleeping function"
    r"|inconsistent lock state|list_(add|del) corruption|suspicious RCU")
REPORT_LINES = 60
# races of the kernel's own are not ours to judge
FOREIGN = re.compile(r"BUG: KCSAN:")
OURS = "[zmq]"
STUCK = "/sys/module/zmq"
SOCK_SLABS = re.compile(r"(ZMQ|TCP|TCPv6|UNIX\S*|request_sock_TCP\S*|tw_sock_TCP\S*|sock_inode_cache) ")
# For the last socket to let the module go. With lockdep, the TCP sockets below
# ours hold it as well, and TCP may keep one for a minute or two.
RELEASE_USUAL = 10
RELEASE_WAIT = 25 if os.path.exists("/proc/lockdep") else RELEASE_USUAL
REAP_WAIT = 10          # for processes that were killed
RMMOD_WAIT = 30         # for rmmod itself
LEAKS_WAIT = 10         # for kmemleak


def first_report(lines, known):
    """The place of the first line that a test has to answer for, or None."""
    for i, line in enumerate(lines):
        if not REPORT.search(line) or known and known in line:
            continue
        if FOREIGN.search(line):
            rest = lines[i:i + REPORT_LINES]
            ends = [n for n, x in enumerate(rest) if n and x.rstrip().endswith("=" * 60)]
            if not any(OURS in x for x in rest[:ends[0] if ends else None]):
                continue
        return i
    return None


class Host:
    """The event channel: one JSON object a line."""

    def __init__(self, path="/dev/virtio-ports/events"):
        try:
            self.fd = os.dup(3)     # opened by guest/main
            os.set_inheritable(self.fd, False)
            os.close(3)
        except OSError:
            self.fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def send(self, ev, **fields):
        data = (json.dumps({"ev": ev, **fields}) + "\n").encode()
        while data:
            data = data[os.write(self.fd, data):]


class KernelLog:
    """/dev/kmsg, read from a mark on."""

    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDWR | os.O_NONBLOCK)
        self.lost = False
        self.lines = []

    def mark(self, text):
        os.lseek(self.fd, 0, os.SEEK_END)
        self.lost = False
        self.lines = []
        os.write(self.fd, f"zmq-vm: {text}\n".encode())

    def read(self):
        """Everything since the mark; what is read while a test runs is kept."""
        while True:
            try:
                record = os.read(self.fd, 8192)
            except BlockingIOError:
                return self.lines
            except BrokenPipeError:
                self.lost = True
                continue
            text = record.decode(errors="replace").split(";", 1)[-1]
            self.lines.append(text.split("\n", 1)[0])

    def reports(self, known):
        """The first report since the mark: its title and the log around it.

        A line with the text KNOWN does not count.
        """
        lines = [x for x in self.read() if not x.startswith("zmq-vm: ")]
        i = first_report(lines, known)
        if i is not None:
            return lines[i].strip(), lines[max(0, i - 3):i + REPORT_LINES]
        if self.lost:
            return "the kernel log overran, some of it was not seen", lines[-5:]
        return None, []


def children():
    """Processes whose parent we are, by birth or because theirs died."""
    me = os.getpid()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == me and fields[0] not in "ZX":
            yield int(pid)


def reap(limit):
    """Kill what a test has left running; false when something survives."""
    until = time.monotonic() + limit
    while True:
        left = list(children())
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        if not left:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.02)


def stacks():
    """Where every process of a hung test is, for its report."""
    out = []
    for pid in sorted(map(int, filter(str.isdigit, os.listdir("/proc")))):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                cmd = f.read().replace(b"\0", b" ").decode(errors="replace")
            if not cmd or pid in (1, os.getpid()):
                continue
            out.append(f"{pid} {cmd.strip()[:100]}")
            for tid in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{tid}/stack", encoding="utf-8") as f:
                    out += [f"   {x.rstrip()}" for x in f]
        except OSError:
            continue
    return out[:200]


class Leaks:
    """What kmemleak finds; says nothing in a kernel without it.

    Asked once the module is gone: what only the module knew is lost by then,
    too.  kmemleak tells what is older than five seconds and what two scans in a
    row have not found a pointer to.  As two scans and the wait between them take
    longer than most tests, there is one after each, and what a test has lost may
    show only after the next: the time of an allocation tells whose it is.
    """

    PATH = "/sys/kernel/debug/kmemleak"
    AGE = 5.2
    BORN = re.compile(r", jiffies (\d+)")

    def __init__(self):
        self.tests = []     # of this boot: jiffies, module's addresses, name
        try:
            self.write("scan=off")
            self.on = True
        except OSError:
            self.on = False

    def write(self, word):
        with open(self.PATH, "w", encoding="ascii") as f:
            f.write(word)

    def begin(self):
        """To be handed to loaded(): when this test began, in kmemleak's unit."""
        if self.on:
            with open("/proc/timer_list", encoding="ascii", errors="replace") as f:
                for line in f:
                    if line.startswith("jiffies: "):
                        return int(line.split()[1])
        return 0

    def loaded(self, test, begun):
        """Remember where the module is: later its addresses have no names."""
        if not self.on:
            return
        text = range(0)         # some tests load it themselves
        with open("/proc/modules", encoding="ascii") as f:
            for name, size, *_, base in (x.split()[:6] for x in f):
                if name == "zmq":
                    text = range(int(base, 16), int(base, 16) + int(size))
        self.tests.append((begun, text, test))

    def whose(self, report):
        """The test that was running when the memory was allocated."""
        born = self.BORN.search(report)
        before = [t for t in self.tests if not born or t[0] <= int(born[1])]
        return before[-1] if before else self.tests[0]

    @staticmethod
    def named(report, text):
        """zmq+OFFSET for an address in the text of the module that has gone."""
        def name(match):
            at = int(match[0], 16)
            return f"zmq+{at - text.start:#x}" if at in text else match[0]
        return re.sub(r"\b0x[0-9a-f]{16}\b", name, report)

    def found(self, last):
        """For each test with reports that name our module: name and lines."""
        if not self.on:
            return {}
        if last:
            old_enough = time.monotonic() + self.AGE
            self.write("scan")
            # kmemleak's own limit, there is no event
            time.sleep(max(0, old_enough - time.monotonic()))
        self.write("scan")
        with open(self.PATH, encoding="utf-8", errors="replace") as f:
            text = f.read()
        self.write("clear")
        found = {}
        for report in re.split(r"(?m)^(?=unreferenced object)", text):
            _, where, test = self.whose(report)
            report = self.named(report, where)
            if OURS in report or "zmq+0x" in report:
                found.setdefault(test, []).extend(report.splitlines())
        return found


def send_coverage(port="/dev/virtio-ports/gcov"):
    """The counters of a module built for coverage, gone modules included."""
    root = "/sys/kernel/debug/gcov"
    if not os.path.exists(port) or not os.path.isdir(root):
        return
    with open(port, "wb") as out, tarfile.open(fileobj=out, mode="w|") as tar:
        for d, _, names in os.walk(root):
            for name in names:
                if not name.endswith(".gcda"):
                    continue
                path = os.path.join(d, name)
                with open(path, "rb") as f:
                    data = f.read()
                info = tarfile.TarInfo(os.path.relpath(path, root))
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def own_netns(pid):
    """A descriptor of the network namespace of PID if it is not ours."""
    try:
        fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    except OSError:
        return None
    if os.fstat(fd).st_ino != os.stat("/proc/self/ns/net").st_ino:
        return fd
    os.close(fd)
    return None


class Test:
    def __init__(self, host, log, leaks, spec, scale, last):
        self.host, self.log, self.leaks, self.spec = host, log, leaks, spec
        self.last = last        # of this boot
        self.name = spec["name"]
        self.scale = scale
        self.netns = None
        self.problems = []      # (what, detail lines)
        self.reboot = False

    def problem(self, what, detail=(), reboot=False):
        self.problems.append(what)
        self.host.send("problem", test=self.name, what=what, detail=list(detail))
        self.reboot = self.reboot or reboot

    def load(self):
        args = self.spec.get("module", "")
        if args == "none" or not os.path.exists("/zmq/zmq.ko"):
            return True
        r = subprocess.run(["insmod", "/zmq/zmq.ko", *args.split()],
                           capture_output=True, text=True, check=False)
        if r.returncode:
            self.problem("insmod failed", r.stderr.splitlines())
        return r.returncode == 0

    def unload(self):
        """The module has to go soon after the last process that used it."""
        if not os.path.exists(STUCK):
            return
        begun = time.monotonic()
        refs, late = "0", []
        while time.monotonic() < begun + RELEASE_WAIT * self.scale:
            try:
                with open(f"{STUCK}/refcnt", encoding="utf-8") as f:
                    refs = f.read().strip()
            except OSError:
                break
            if refs == "0":
                break
            if not late and time.monotonic() > begun + RELEASE_USUAL * self.scale:
                late = self.sockets()
            time.sleep(0.02)
        if refs != "0":
            self.problem(f"module cannot be removed: {refs} references left",
                         late + self.sockets(), reboot=True)
            return
        if late:
            late.insert(0, f"the module was in use for {time.monotonic() - begun:.0f} s "
                           "after the last process")
            for line in late:
                self.host.send("out", line=f"# {line}")
        if self.netns is not None:
            os.close(self.netns)
            self.netns = None
        try:
            r = subprocess.run(["rmmod", "zmq"], capture_output=True, text=True,
                               check=False, timeout=RMMOD_WAIT * self.scale)
            if r.returncode:
                self.problem("module cannot be removed", r.stderr.splitlines(),
                             reboot=True)
        except subprocess.TimeoutExpired:
            self.problem("module cannot be removed: rmmod hangs", stacks(),
                         reboot=True)

    def sockets(self):
        """
        Those of the test's namespace, when it is the first that it had; with
        lockdep the TCP sockets below ours hold the module, too.
        """
        if self.netns is None:
            return []
        r = subprocess.run(["nsenter", f"--net=/proc/self/fd/{self.netns}",
                            "cat", "/proc/net/zmq", "/proc/net/tcp",
                            "/proc/net/tcp6"], pass_fds=[self.netns],
                           capture_output=True, text=True, check=False)
        with open("/proc/slabinfo", encoding="utf-8") as f:
            slabs = [x.rstrip() for x in f if SOCK_SLABS.match(x)]
        return (r.stdout + r.stderr).splitlines()[:REPORT_LINES] + slabs

    def run(self):
        """Run the program, pass on its lines; its exit status, None if late."""
        work = f"/tmp/{self.name}"
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        cmd = ["unshare", "--net", "--mount", "sh", "-c",
               'ip link set lo up && exec "$@"', "sh", *self.spec["argv"]]
        with subprocess.Popen(cmd, cwd=work, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              start_new_session=True) as p:
            rc = self.watch(p)
            if rc is None:
                limit = self.spec["timeout"] + self.spec["told"]
                self.problem(f"timed out after {limit} s", stacks())
                os.killpg(p.pid, signal.SIGKILL)
            clean = reap(REAP_WAIT * self.scale)
            if not clean:
                self.problem("its processes cannot be killed", stacks(), reboot=True)
                # not even wait for them
                self.finish()
            # reap() may have taken the status already
            p.returncode = rc if rc is not None else -9
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
        return rc

    def watch(self, p):
        """Forward output until the program has ended."""
        until = time.monotonic() + self.spec["timeout"] * self.scale + self.spec["told"]
        sel = selectors.DefaultSelector()
        partial = {}
        for stream, kind in ((p.stdout, "out"), (p.stderr, "err")):
            os.set_blocking(stream.fileno(), False)
            sel.register(stream, selectors.EVENT_READ, kind)
            partial[kind] = b""
        end = os.pidfd_open(p.pid)
        sel.register(end, selectors.EVENT_READ, "end")
        # a test that makes the kernel talk must not overrun its log
        sel.register(self.log.fd, selectors.EVENT_READ, "log")
        rc, late = None, False
        while rc is None and not late:
            ready = sel.select(max(0, until - time.monotonic()))
            late = not ready or time.monotonic() > until
            if self.netns is None:
                self.netns = own_netns(p.pid)
            for key, _ in ready:
                if key.data == "log":
                    self.log.read()
                elif key.data == "end":
                    rc = os.waitstatus_to_exitcode(os.waitpid(p.pid, 0)[1])
                else:
                    self.forward(sel, key, partial)
        for key in [k for k in sel.get_map().values() if k.data in partial]:
            while self.forward(sel, key, partial):
                pass
        for kind, rest in partial.items():
            if rest:
                self.host.send(kind, line=rest.decode(errors="replace"))
        os.close(end)
        return rc

    def forward(self, sel, key, partial):
        """Send the lines which can be read now; false when there are none."""
        try:
            data = os.read(key.fd, 65536)
        except BlockingIOError:
            return False
        if not data:
            sel.unregister(key.fileobj)
            return False
        *lines, partial[key.data] = (partial[key.data] + data).split(b"\n")
        for line in lines:
            self.host.send(key.data, line=line.decode(errors="replace"))
        return True

    def finish(self):
        """After something that no later test should have to suffer from."""
        self.log_check()
        self.host.send("end", test=self.name, rc=None, reboot=True)
        send_coverage()
        os._exit(0)

    def log_check(self):
        title, lines = self.log.reports(self.spec["log"])
        if title:
            self.problem(f"kernel log: {title}", lines, reboot=True)

    def leak_check(self):
        for name, lines in self.leaks.found(self.last or self.reboot).items():
            what = f"kmemleak: {lines[0]}"
            if name == self.name:
                self.problem(what, lines[:REPORT_LINES])
            else:
                # it has ended already
                self.host.send("problem", test=name, what=what,
                               detail=lines[:REPORT_LINES])

    def whole(self):
        self.host.send("start", test=self.name,
                       limit=(self.spec["timeout"] + 15) * self.scale + self.spec["told"])
        self.log.mark(f"start {self.name}")
        rc, begun = None, self.leaks.begin()
        loaded = self.load()
        self.leaks.loaded(self.name, begun)
        if loaded:
            rc = self.run()
        self.host.send("unload", limit=(RELEASE_WAIT + RMMOD_WAIT + LEAKS_WAIT) * self.scale)
        self.unload()
        self.log_check()
        self.leak_check()
        if not self.reboot:
            self.log_check()
        self.host.send("end", test=self.name, rc=rc, reboot=self.reboot)


def main():
    # orphans of a test become our children, so that reap() finds them
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)     # PR_SET_CHILD_SUBREAPER

    with open("/zmq/tests.json", encoding="utf-8") as f:
        job = json.load(f)
    host, log, leaks = Host(), KernelLog(), Leaks()
    if job["depends"]:
        subprocess.run(["modprobe", "-a", *job["depends"]], check=False)
    for spec in job["tests"]:
        t = Test(host, log, leaks, spec, job["scale"], spec is job["tests"][-1])
        t.whole()
        if t.reboot:
            send_coverage()
            return 0
    send_coverage()
    host.send("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
