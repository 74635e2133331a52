# SPDX-License-Identifier: GPL-2.0
"""The test machine as the host sees it: its disks, its QEMU, its channels."""

import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or
                     os.path.expanduser("~/.cache"), "zmq-ko")
PRCTL = ctypes.CDLL(None).prctl
BOOT_LIMIT = 180        # seconds until the guest has to say that it is up


class Failure(Exception):
    """Something that is said in one line and ends the run."""


def say(text):
    print(f"vm: {text}", file=sys.stderr, flush=True)


def run_script(name, *args):
    """Run one of the scripts which fill the cache; the line it prints."""
    r = subprocess.run([os.path.join(HERE, name), *args],
                       stdout=subprocess.PIPE, text=True, check=False)
    if r.returncode:
        raise Failure(f"{name} failed")
    return r.stdout.strip()


def module_depends(ko):
    r = subprocess.run(["/sbin/modinfo", "-F", "depends", ko],
                       stdout=subprocess.PIPE, text=True, check=False)
    if r.returncode:
        raise Failure(f"{ko} is not a kernel module")
    return [x for x in r.stdout.strip().split(",") if x]


def die_with_parent():
    """In a child: do not outlive this program, whatever ends it."""
    PRCTL(1, signal.SIGKILL)        # PR_SET_PDEATHSIG


class Config:
    """What the environment says about the machine."""

    def __init__(self, kdir):
        env = os.environ.get
        self.kernel = run_script("mkkernel.sh", kdir)
        # the larger one is made for the tests which say so (IMAGE: clients)
        self.image = env("VM_IMAGE") or ""
        self.root = run_script("mkroot.sh", *[self.image] * bool(self.image))
        self.icount = env("VM_ICOUNT", "0") not in ("", "0")
        self.mem = env("VM_MEM") or "2G"
        self.smp = "1" if self.icount else env("VM_SMP") or "2"
        self.append = env("VM_APPEND") or ""
        with open(os.path.join(self.kernel, "release"), encoding="utf-8") as f:
            self.release = f.read().strip()
        self.qemu = self.find_qemu()
        self.kvm = not self.icount and self.kvm_works(env("VM_KVM"))
        # how much longer than planned everything may take
        self.scale = float(env("VM_SLOW") or 1)

    def find_qemu(self):
        """Kernels after 6.1 are unsafe on Debian 12's own QEMU."""
        if os.environ.get("VM_QEMU"):
            return os.environ["VM_QEMU"].split()
        if not self.release.startswith("6.1."):
            return run_script("mkqemu.sh").split()
        if not shutil.which("qemu-system-x86_64"):
            raise Failure("no qemu-system-x86_64, run tools/install-deps.sh")
        return ["qemu-system-x86_64"]

    def kvm_works(self, wish):
        """Only a guest that has booted proves it; ask once per host boot."""
        if wish in ("0", "1"):
            return wish == "1"
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            return False
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as f:
            seen = os.path.join(CACHE, f"kvm-{f.read().strip()}")
        if not os.path.exists(seen):
            cmd = [*self.base("kvm"), "-m", "512M", "-smp", "1", "-serial", "none",
                   "-append", "zmq.probe panic=-1 quiet"]
            try:
                r = subprocess.run(cmd, stdin=subprocess.DEVNULL, timeout=15,
                                   stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, check=False)
                works = r.returncode == 0
            except subprocess.TimeoutExpired:
                works = False
            with open(seen, "w", encoding="utf-8") as f:
                f.write("yes" if works else "no")
        with open(seen, encoding="utf-8") as f:
            return f.read() == "yes"

    def base(self, accel):
        cpu = "host" if accel == "kvm" else "max"
        if self.icount:
            cpu = "max,erms=off,fsrm=off"
        return [*self.qemu, "-machine", f"q35,accel={accel}", "-cpu", cpu,
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", os.path.join(self.kernel, "vmlinuz"),
                "-initrd", os.path.join(self.kernel, "initrd")]

    def command_line(self):
        words = ["console=ttyS1,115200", "panic=-1", "oops=panic",
                 "loglevel=5", "log_buf_len=4M", "watchdog_thresh=30",
                 "rcupdate.rcu_cpu_stall_timeout=60", "no_timer_check"]
        if not self.kvm:
            words += ["tsc=reliable", "clocksource=tsc"]
        if self.icount:
            words += ["nokaslr", "norandmaps"]
        if self.release.endswith("-zmq-kasan"):
            # tests let allocations of these fail (failslab/cache-filter)
            words.append("slub_debug=A,skbuff_fclone_cache,sock_inode_cache")
        return " ".join([w for w in words if w] + self.append.split())


class RunDir:
    """The files of one run: what goes to the guest, and the logs."""

    def __init__(self, keep=None):
        self.keep = bool(keep)
        if self.keep:
            shutil.rmtree(keep, ignore_errors=True)
            os.makedirs(keep)
            self.path = keep
        else:
            self.path = tempfile.mkdtemp(prefix="zmq-vm.")
        self.files = os.path.join(self.path, "files")
        os.makedirs(self.files)
        shutil.copytree(os.path.join(HERE, "guest"), os.path.join(self.files, "guest"))
        for name in ("bin", "tests"):
            os.mkdir(os.path.join(self.files, name))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)

    def copy(self, src, dst, ignore="__pycache__"):
        dst = os.path.join(self.files, dst)
        os.makedirs(os.path.dirname(dst), exist_ok=True)
        if os.path.isdir(src):
            shutil.copytree(src, dst, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns(ignore))
        else:
            shutil.copy(src, dst)

    def write(self, name, text):
        with open(os.path.join(self.files, name), "w", encoding="utf-8") as f:
            f.write(text)

    def add_module(self, ko):
        # line numbers stay here: they would make loading slow
        r = subprocess.run(["strip", "--strip-debug", "-o",
                            os.path.join(self.files, "zmq.ko"), ko], check=False)
        if r.returncode:
            raise Failure(f"cannot take {ko} along")
        self.write("depends", " ".join(module_depends(ko)) + "\n")

    def image(self):
        """Pack the files into the disk that the guest mounts at /zmq."""
        size = sum(os.lstat(os.path.join(d, f)).st_size + 4096
                   for d, _, names in os.walk(self.files) for f in names)
        image = os.path.join(self.path, "files.ext4")
        if os.path.exists(image):
            os.unlink(image)
        r = subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-O", "^has_journal",
                            "-m", "0", "-d", self.files, image,
                            f"{size * 5 // 4096 + 8192}k"],
                           stdout=subprocess.DEVNULL, check=False)
        if r.returncode:
            raise Failure("mke2fs cannot pack the files of this run")
        return image


class Machine:
    """One boot: yields the guest's events, watches its time."""

    def __init__(self, config, rundir, boot=0):
        self.config, self.rundir = config, rundir
        self.console = os.path.join(rundir.path, f"console-{boot}.log")
        self.proc = None
        self.pipes = {}
        self.limit = time.monotonic() + BOOT_LIMIT * config.scale
        self.rc = None

    def disk(self, name, path):
        return ["-drive", f"if=none,id={name},file={path},format=raw,"
                "readonly=on,file.locking=off",
                "-device", f"virtio-blk-pci,drive={name}"]

    def command(self, channels, stdio):
        c = self.config
        cmd = c.base("kvm" if c.kvm else "tcg")
        cmd += ["-m", c.mem, "-smp", c.smp, "-append", c.command_line()]
        if c.icount:
            cmd += ["-icount", "shift=0,sleep=off", "-seed", "1",
                    "-rtc", "base=2026-01-01,clock=vm"]
        if stdio:
            cmd += ["-chardev", "stdio,id=tty,mux=on,signal=off", "-serial",
                    "chardev:tty", "-mon", "chardev=tty"]
        else:
            cmd += ["-serial", "null"]
        cmd += ["-serial", f"file:{self.console}"]
        cmd += self.disk("root", c.root)
        cmd += self.disk("files", self.rundir.image())
        modules = os.path.join(c.kernel, "modules.ext4")
        if os.path.exists(modules):
            cmd += self.disk("modules", modules)
        cmd += ["-device", "virtio-serial-pci"]
        for i, (name, fd) in enumerate(channels.items()):
            cmd += ["-chardev", f"file,id=c{i},path=/dev/fd/{fd}",
                    "-device", f"virtserialport,chardev=c{i},name={name}"]
        return cmd

    def start(self, names=("events",), stdio=False):
        writers = {}
        self.rundir.write("ports", "".join(f"{name}\n" for name in names))
        for name in names:
            r, w = os.pipe()
            self.pipes[name] = r
            writers[name] = w
        self.proc = subprocess.Popen(      # pylint: disable=consider-using-with
            self.command(writers, stdio), pass_fds=tuple(writers.values()),
            stdin=None if stdio else subprocess.DEVNULL,
            preexec_fn=die_with_parent)
        for w in writers.values():
            os.close(w)

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGKILL)
        if self.proc:
            self.rc = self.proc.wait()
        for fd in self.pipes.values():
            os.close(fd)
        self.pipes = {}

    def events(self):
        """Events as they come; other channels as {"ev": name, "data": bytes}.

        Ends when QEMU has ended; the last event is "lost" with a reason when
        the guest has not come to its end by itself.
        """
        sel = selectors.DefaultSelector()
        for name, fd in self.pipes.items():
            sel.register(fd, selectors.EVENT_READ, name)
        partial, open_pipes = b"", len(self.pipes)
        while open_pipes:
            ready = sel.select(max(0, self.limit - time.monotonic())
                               if self.limit else None)
            if not ready:
                yield {"ev": "lost", "why": "the machine hung and was stopped"}
                break
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                if not data:
                    sel.unregister(key.fd)
                    open_pipes -= 1
                elif key.data != "events":
                    yield {"ev": key.data, "data": data}
                else:
                    *lines, partial = (partial + data).split(b"\n")
                    yield from map(json.loads, lines)
        else:
            if self.proc.wait():
                yield {"ev": "lost", "why": f"QEMU ended with {self.proc.returncode}"}
        self.stop()

    def console_lines(self):
        try:
            with open(self.console, encoding="utf-8", errors="replace") as f:
                return [x.rstrip("\r\n") for x in f]
        except OSError:
            return []

    def console_since(self, mark):
        """The console's lines after the last one that holds this mark."""
        lines = self.console_lines()
        for i in range(len(lines) - 1, -1, -1):
            if mark in lines[i]:
                return lines[i + 1:]
        return lines
