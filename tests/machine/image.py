"""The file system of the virtual machine: the Debian packages that it takes, as they are installed on this machine, with the project."""
import os
import re
import shutil
import subprocess

import agent

# What is installed here by these names, and all that they depend on.
PACKAGES = ("systemd-sysv", "udev", "dbus", "kmod", "python3", "procps", "iproute2", "dmsetup", "e2fsprogs", "passwd", "util-linux")
POSTGRES = re.compile(r"postgresql(-client)?-\d+")
# Scripts around PostgreSQL that bring Perl, and its just-in-time compiler: neither is asked for.
LEFT_OUT = {"postgresql-common", "postgresql-client-common", "perl", "ssl-cert", "libllvm14", "libz3-4", "locales"}
UNREAD = re.compile(r"/usr/share/(doc|man|locale|i18n|info|lintian|postgresql/.*/man)/|.*/llvmjit.*|.*/bitcode/|/usr/lib/python3.*/__pycache__/")
# What boots without a person, a network and devices that come and go do not need: where qemu translates, every program started counts.
MASKED = ("getty.target", "serial-getty@ttyS0.service", "e2scrub_reap.service", "e2scrub_all.timer", "fstrim.timer", "systemd-timesyncd.service",
          "systemd-resolved.service", "systemd-networkd.service", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
          "systemd-logind.service", "systemd-user-sessions.service", "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
          "systemd-udevd.service", "systemd-udevd-kernel.socket", "systemd-udevd-control.socket", "systemd-udev-trigger.service",
          "systemd-random-seed.service", "systemd-pstore.service", "kmod-static-nodes.service", "modprobe@.service", "systemd-sysusers.service",
          "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "dev-hugepages.mount", "systemd-binfmt.service", "systemd-journal-flush.service")
# Drivers that the kernel has as modules and the tests use.
MODULES = ("kernel/drivers/net/", "kernel/net/core/", "kernel/drivers/virtio/", "kernel/drivers/md/dm-", "kernel/drivers/dax/", "modules.")
SIZE = 2 << 30


def installed_packages():
    """(depends, provides, essential): of every installed package the lists of alternatives; who provides a name; who cannot be left out."""
    listed = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\t${db:Status-Status}\t${Essential}\t${Pre-Depends}, ${Depends}\t${Provides}\n"],
                            capture_output=True, text=True, check=True).stdout
    depends, provides, essential = {}, {}, []
    for line in listed.splitlines():
        name, status, needed, wants, gives = line.split("\t")
        if status != "installed":
            continue
        depends[name] = [[re.split(r"[ (:]", one.strip())[0] for one in group.split("|")] for group in wants.split(",") if group.strip()]
        if needed == "yes":
            essential.append(name)
        for one in gives.split(","):
            if one.strip():
                provides.setdefault(re.split(r"[ (:]", one.strip())[0], name)
    return depends, provides, essential


def owners_of_libraries(programs):
    """Names of the packages that the programs' shared libraries come from."""
    found = set()
    for program in programs:
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        found.update(os.path.realpath(path) for path in re.findall(r"=> (/\S+)", listed))
    owners = subprocess.run(["dpkg-query", "-S", *sorted(found)], capture_output=True, text=True, check=False).stdout
    return {line.partition(":")[0] for line in owners.splitlines()}


def packages_needed(programs):
    depends, provides, essential = installed_packages()
    wanted = [*essential, *PACKAGES, *owners_of_libraries(programs), *[name for name in depends if POSTGRES.fullmatch(name)]]
    needed = set()
    while wanted:
        name = wanted.pop()
        name = name if name in depends else provides.get(name)
        if name and name not in needed and name not in LEFT_OUT:
            needed.add(name)
            for group in depends[name]:
                wanted += [one for one in group if one in depends or one in provides][:1]
    return needed


def paths_of(packages):
    """Every file of the packages, each by its true folder: /lib is a link to /usr/lib on the machine and must stay one."""
    listed = subprocess.run(["dpkg-query", "-L", *sorted(packages)], capture_output=True, text=True, check=True).stdout
    found = set()
    for path in listed.splitlines():
        if path.startswith("/") and path != "/." and not UNREAD.match(path) and os.path.lexists(path):
            found.add(os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)))
    return found


def modules_of(release):
    folder = f"/lib/modules/{release}"
    found = set()
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if os.path.relpath(path, folder).startswith(MODULES):
                found.add(os.path.realpath(path))
    return found


def copy_files(paths, tree):
    """What this user may not read (a few programs that are run with more rights) stays away."""
    source = subprocess.Popen(["tar", "--directory=/", "--create", "--no-recursion", "--ignore-failed-read", "--null", "--files-from=-"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with subprocess.Popen(["tar", f"--directory={tree}", "--extract", "--preserve-permissions", "--keep-directory-symlink"],
                          stdin=source.stdout) as target:
        source.stdout.close()
        source.stdin.write(b"\0".join(path.lstrip("/").encode() for path in sorted(paths)))
        source.stdin.close()
        assert source.wait() == 0 and target.wait() == 0


def write(tree, path, text, mode=0o644):
    full = os.path.join(tree, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(full, mode)


def write_accounts(tree):
    """Those of this machine, without anybody's password."""
    for names, secrets in (("passwd", "shadow"), ("group", "gshadow")):
        with open(f"/etc/{names}", encoding="utf-8") as file:
            text = file.read()
        write(tree, f"etc/{names}", text)
        fields = "*::0:99999:7:::" if secrets == "shadow" else "*::"
        write(tree, f"etc/{secrets}", "".join(f"{line.partition(':')[0]}:{fields}\n" for line in text.splitlines()), 0o640)


def write_etc(tree):
    """What packages make when they are installed, and what makes a machine of its own."""
    for path in ("etc/ld.so.cache", "etc/nsswitch.conf"):
        shutil.copy(f"/{path}", os.path.join(tree, path))
    shutil.copytree("/etc/alternatives", os.path.join(tree, "etc/alternatives"), symlinks=True, dirs_exist_ok=True)
    os.symlink("/usr/share/zoneinfo/UTC", os.path.join(tree, "etc/localtime"))
    write_accounts(tree)
    write(tree, "etc/fstab", "")
    write(tree, "etc/hostname", "batchtest\n")
    write(tree, "etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    write(tree, "etc/modules-load.d/batchtest.conf", "virtio_pci\nvirtio_net\ndm_mod\n")
    units = os.path.join(tree, "etc/systemd/system")
    os.makedirs(units, exist_ok=True)
    os.symlink("/lib/systemd/system/multi-user.target", os.path.join(units, "default.target"))
    for unit in MASKED:
        os.symlink("/dev/null", os.path.join(units, unit))
    os.makedirs(os.path.join(tree, "usr/local/lib"), exist_ok=True)
    shutil.copy(agent.__file__, os.path.join(tree, "usr/local/lib/batchtest-agent.py"))
    write(tree, "etc/systemd/system/batchtest-agent.service",
          "[Unit]\nDescription=Runs what the tests ask for\nAfter=systemd-modules-load.service\n\n"
          "[Service]\nExecStart=/usr/bin/python3 /usr/local/lib/batchtest-agent.py\nRestart=always\nOOMScoreAdjust=-900\nTasksMax=infinity\n")
    os.makedirs(os.path.join(units, "multi-user.target.wants"))
    os.symlink("../batchtest-agent.service", os.path.join(units, "multi-user.target.wants/batchtest-agent.service"))


def make(folder, installed, release, shown):
    """Writes folder/base.img: an ext4 file system with the packages, what `meson install` with DESTDIR made, the modules of that kernel,
    and the folders `shown` at their own paths. Returns its path."""
    tree = os.path.join(folder, "tree")
    os.mkdir(tree, 0o755)
    programs = [os.path.join(where, name) for where, _, names in os.walk(installed) for name in names if "." not in name]
    programs += [f"{postgres}/{name}" for postgres in postgres_programs() for name in ("postgres", "psql")]
    copy_files(paths_of(packages_needed(programs)) | modules_of(release), tree)
    for name in ("dev", "proc", "sys", "run", "tmp", "root", "var/tmp"):
        os.makedirs(os.path.join(tree, name), exist_ok=True)
    for name in ("tmp", "var/tmp"):
        os.chmod(os.path.join(tree, name), 0o1777)
    subprocess.run(["cp", "-a", f"{installed}/.", tree], check=True)
    write_etc(tree)
    for path in shown:
        target = tree + path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
    image = os.path.join(folder, "base.img")
    with open(image, "wb") as file:
        file.truncate(SIZE)
    command = ["mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", tree, "-E", "root_owner=0:0", image]
    if os.geteuid() != 0:
        # There our files are root's, and so they become in the image.
        command = ["unshare", "--map-root-user", *command]
    subprocess.run(command, check=True, env=dict(os.environ, PATH=f"{os.environ['PATH']}:/usr/sbin:/sbin"))
    shutil.rmtree(tree)
    return image


def postgres_programs():
    import glob
    return sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1:]
