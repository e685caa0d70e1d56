"""A machine with a kernel, disks and a systemd of its own: qemu with KVM. To a test it is what systemd/machine.py has in namespaces."""
import contextlib
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "systemd"))

import agent
import image
import machine

QEMU = "qemu-system-x86_64"
# What must be in the kernel itself, for it finds its disk without an initial ram disk.
BUILT_IN = ("CONFIG_EXT4_FS", "CONFIG_BLK_DEV_NVME", "CONFIG_SERIAL_8250", "CONFIG_MEMCG", "CONFIG_CGROUP_PIDS")
DATA_DISK = 256 << 20


def kernel():
    """(path, release) of the newest kernel installed here that can boot, or None."""
    for path in sorted(glob.glob("/boot/vmlinuz-*"), reverse=True):
        release = path.partition("vmlinuz-")[2]
        with contextlib.suppress(OSError), open(f"/boot/config-{release}", encoding="ascii") as config:
            options = config.read().splitlines()
            if os.access(path, os.R_OK) and os.path.isdir(f"/lib/modules/{release}") and all(f"{name}=y" in options for name in BUILT_IN):
                return path, release
    return None


def accelerator():
    """KVM where the processor has what an ordinary kernel needs to run in it, else qemu's own translator: ten times slower, and as true.
    /dev/kvm alone says little: a KVM without vmx and svm takes only kernels that were made for it."""
    with open("/proc/cpuinfo", encoding="ascii") as cpuinfo:
        flags = set(re.search(r"^flags\s*:(.*)$", cpuinfo.read(), re.MULTILINE).group(1).split())
    if flags & {"vmx", "svm"} and os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ["-accel", "kvm", "-cpu", "host", "-smp", "2"]
    # A plain processor: what vector instructions save, their translation costs.
    return ["-accel", "tcg", "-cpu", "qemu64,+rdrand", "-smp", "1"]


def why_not():
    """Why no virtual machine can be booted here, or None."""
    missing = [name for name in (QEMU, "qemu-img") if not shutil.which(name)]
    if missing or not shutil.which("mke2fs", path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
        return f"needs qemu-system-x86, qemu-utils and e2fsprogs installed (missing: {', '.join(missing) or 'mke2fs'})"
    if not kernel():
        return "needs a kernel with its disk drivers built in: linux-image-cloud-amd64"
    return None


class Disks:
    """The disks of one machine, which outlive it: a fresh view of the base image, and an empty one for tests that torment a disk."""

    def __init__(self, base):
        self.folder = tempfile.TemporaryDirectory(prefix="batchtest-disks-", dir="/var/tmp")
        self.root = os.path.join(self.folder.name, "root.qcow2")
        self.data = os.path.join(self.folder.name, "data.img")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", self.root], check=True)
        with open(self.data, "wb") as file:
            file.truncate(DATA_DISK)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()


def make_image(folder, installed, source):
    """The path of an image in the folder, for any number of disks."""
    return image.make(folder, installed, kernel()[1], [os.path.join(source, "tests/apiplayer")])


class VirtualMachine(machine.Machine):
    """`with VirtualMachine(disks) as machine:` boots; the end of the block powers off. The disks stay as they are."""

    has_own_kernel = True

    @property
    def patience(self):
        return 1 if "kvm" in accelerator() else 8

    def __init__(self, disks):
        self.disks = disks
        self.folder = tempfile.TemporaryDirectory(prefix="batchtest-")
        self.log = open(os.path.join(self.folder.name, "console"), "wb+")
        self.process = None
        self.port = 0

    def boot(self):
        path, _ = kernel()
        monitor = os.path.join(self.folder.name, "monitor")
        self.process = subprocess.Popen(
            [QEMU, "-nodefaults", "-no-user-config", *accelerator(), "-m", "1024", "-display", "none",
             "-kernel", path, "-append", "root=/dev/nvme0n1 rw console=ttyS0 quiet net.ifnames=0 systemd.show_status=no panic=1 mitigations=off",
             "-serial", f"file:{self.log.name}", "-monitor", f"unix:{monitor},server=on,wait=off",
             # The host's page cache is passed by: what the guest has not flushed may be lost with qemu.
             "-drive", f"file={self.disks.root},if=none,id=root,cache=none", "-device", "nvme,drive=root,serial=root",
             "-drive", f"file={self.disks.data},if=none,id=data,format=raw", "-device", "nvme,drive=data,serial=data",
             # No way out, and one way in: to the agent.
             "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:{agent.PORT}", "-device", "virtio-net-pci,netdev=net,romfile="],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.port = self.wait_for(lambda: self.forwarded_port(monitor), 30, "qemu's monitor")
        self.wait_for(self.is_up, 60, "systemd did not come up")

    def forwarded_port(self, monitor):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(monitor)
            connection.settimeout(5)
            connection.sendall(b"info usernet\n")
            said = b""
            while b"\n(qemu) " not in said.partition(b"info usernet")[2]:
                said += connection.recv(4096)
            found = re.search(rb"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)", said)
            return int(found.group(1)) if found else None
        return None

    def is_up(self):
        # A machine that does not answer yet keeps a connection waiting.
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.run("systemctl", "is-system-running", check=False, timeout=2).stdout.strip() in ("running", "degraded")
        return False

    def inside(self, *argv):
        return [sys.executable, "-S", "-E", os.path.join(HERE, "client.py"), str(self.port), *argv]

    def install(self, tree):
        with subprocess.Popen(["tar", f"--directory={tree}", "--create", "."], stdout=subprocess.PIPE) as archive:
            subprocess.run(self.inside("tar", "--directory=/", "--extract", "--unlink-first", "--no-same-owner", "--no-overwrite-dir"),
                           stdin=archive.stdout, check=True)
        self.run("systemctl", "daemon-reload")

    def boot_id(self):
        return self.out("cat", "/proc/sys/kernel/random/boot_id")

    def reboot(self):
        """In order, as an administrator does it."""
        before = self.boot_id()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.run("systemctl", "--no-block", "reboot", check=False, timeout=2)

        def is_another():
            with contextlib.suppress(subprocess.TimeoutExpired):
                answer = self.run("cat", "/proc/sys/kernel/random/boot_id", check=False, timeout=2)
                return answer.returncode == 0 and answer.stdout.strip() != before and self.is_up()
            return False

        self.wait_for(is_another, 60, "the machine is up again")

    def power_off(self):
        if self.process and self.process.poll() is None:
            if self.port:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.run("systemctl", "--no-block", "poweroff", check=False, timeout=10)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(30)
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()
