#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run the list of tests in /zmq/tests.json inside the test machine.

Each test gets the module freshly loaded, a network and a mount namespace of
its own and a time limit.  What it prints and what goes wrong is sent to the
host line by line, so that nothing is lost when the kernel dies.
"""

import ctypes
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time

REPORT = re.compile(
    r"\bBUG:|\bWARNING:|Oops|UBSAN:|KASAN:|KCSAN:|unreferenced object"
    r"|possible circular|INFO: task .* blocked|rcu.*\bstall|Kernel panic"
    r"|general protection|refcount_t|sleeping function"
    r"|inconsistent lock state|list_(add|del) corruption|suspicious RCU")
REPORT_LINES = 60
STUCK = "/sys/module/zmq"
RELEASE_WAIT = 10       # for the last socket to let the module go
RMMOD_WAIT = 30         # for rmmod itself


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

    def mark(self, text):
        os.lseek(self.fd, 0, os.SEEK_END)
        self.lost = False
        os.write(self.fd, f"zmq-vm: {text}\n".encode())

    def read(self):
        lines = []
        while True:
            try:
                record = os.read(self.fd, 8192)
            except BlockingIOError:
                return lines
            except BrokenPipeError:
                self.lost = True
                continue
            text = record.decode(errors="replace").split(";", 1)[-1]
            lines.append(text.split("\n", 1)[0])

    def reports(self):
        """The first report since the mark: its title and the log around it."""
        lines = [x for x in self.read() if not x.startswith("zmq-vm: ")]
        for i, line in enumerate(lines):
            if REPORT.search(line):
                return line.strip(), lines[max(0, i - 3):i + REPORT_LINES]
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


def reap():
    """Kill what a test has left running; false when something survives."""
    until = time.monotonic() + 10
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


class Test:
    def __init__(self, host, log, spec, scale):
        self.host, self.log, self.spec = host, log, spec
        self.name = spec["name"]
        self.scale = scale
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
        until = time.monotonic() + RELEASE_WAIT * self.scale
        refs = "0"
        while time.monotonic() < until:
            try:
                with open(f"{STUCK}/refcnt", encoding="utf-8") as f:
                    refs = f.read().strip()
            except OSError:
                break
            if refs == "0":
                break
            time.sleep(0.02)
        if refs != "0":
            self.problem(f"module cannot be removed: {refs} references left",
                         reboot=True)
            return
        try:
            r = subprocess.run(["rmmod", "zmq"], capture_output=True, text=True,
                               check=False, timeout=RMMOD_WAIT * self.scale)
            if r.returncode:
                self.problem("module cannot be removed", r.stderr.splitlines(),
                             reboot=True)
        except subprocess.TimeoutExpired:
            self.problem("module cannot be removed: rmmod hangs", stacks(),
                         reboot=True)

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
                limit = self.spec["timeout"]
                self.problem(f"timed out after {limit} s", stacks())
                os.killpg(p.pid, signal.SIGKILL)
            clean = reap()
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
        until = time.monotonic() + self.spec["timeout"] * self.scale
        sel = selectors.DefaultSelector()
        partial = {}
        for stream, kind in ((p.stdout, "out"), (p.stderr, "err")):
            os.set_blocking(stream.fileno(), False)
            sel.register(stream, selectors.EVENT_READ, kind)
            partial[kind] = b""
        end = os.pidfd_open(p.pid)
        sel.register(end, selectors.EVENT_READ, "end")
        rc, late = None, False
        while rc is None and not late:
            ready = sel.select(max(0, until - time.monotonic()))
            late = not ready
            for key, _ in ready:
                if key.data == "end":
                    rc = os.waitstatus_to_exitcode(os.waitpid(p.pid, 0)[1])
                else:
                    self.forward(sel, key, partial)
        for key in [k for k in sel.get_map().values() if k.data != "end"]:
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
        os._exit(0)

    def log_check(self):
        title, lines = self.log.reports()
        if title:
            self.problem(f"kernel log: {title}", lines, reboot=True)

    def whole(self):
        self.host.send("start", test=self.name,
                       limit=(self.spec["timeout"] + 15) * self.scale)
        self.log.mark(f"start {self.name}")
        rc = None
        if self.load():
            rc = self.run()
        self.host.send("unload", limit=(RELEASE_WAIT + RMMOD_WAIT) * self.scale)
        self.unload()
        self.log_check()
        self.host.send("end", test=self.name, rc=rc, reboot=self.reboot)


def main():
    # orphans of a test become our children, so that reap() finds them
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)     # PR_SET_CHILD_SUBREAPER

    with open("/zmq/tests.json", encoding="utf-8") as f:
        job = json.load(f)
    host, log = Host(), KernelLog()
    if job["depends"]:
        subprocess.run(["modprobe", "-a", *job["depends"]], check=False)
    for spec in job["tests"]:
        t = Test(host, log, spec, job["scale"])
        t.whole()
        if t.reboot:
            return 0
    host.send("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
