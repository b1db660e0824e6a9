"""What must not be there when every sandbox is gone: processes, mounts, groups, files, uids, loop devices.

Everything is found by the soak's own directory, whose name is like no other, or by ids that were seen in it.
"""
import glob
import os
import time
from pathlib import Path

PATIENCE = 20  # seconds: what is killed needs a moment until the kernel and the machine's first process let it go


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def processes(mark):
    """Processes of this machine that were made for the soak, other than its own: those that have its directory mounted,
    open, or on their command line."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        base = f"/proc/{entry}"
        state = read(base + "/stat").rpartition(")")[2].split()[:1]
        if not state or state[0] in "ZX":
            continue
        command = read(base + "/cmdline").replace("\0", " ").strip()
        roots = [line.split()[3] for line in read(base + "/mountinfo").splitlines() if len(line.split()) > 3]
        try:
            opened = [link(f"{base}/fd/{number}") for number in os.listdir(base + "/fd")]
        except OSError:
            opened = []
        if mark in command or any(mark in root for root in roots) or any(mark in path for path in opened):
            found.append(f"process {entry}: {command or read(base + '/comm').strip()}")
    return found


def mounts(mark):
    return ["mount: " + line for line in read("/proc/self/mountinfo").splitlines() if mark in line]


def groups(ids):
    found = []
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        found += [f"control group: {folder}/{name}" for name in names if any(i in name for i in ids)]
    return found


def files(state):
    """Everything in the state tree but what all sandboxes share, and folders that are empty."""
    found = []
    for folder, names, entries in os.walk(state):
        inside = Path(folder).relative_to(state).parts
        if len(inside) == 1:
            names[:] = [name for name in names if not name.startswith("etc-")]
        found += [f"file: {folder}/{name}" for name in entries]
        if len(inside) >= 2:
            found += [f"directory: {folder}/{name}" for name in names]
    return found


def uids(mark):
    """A claim counts as long as the sandbox's directory exists; one that outlives it is taken over by the next."""
    claims = glob.glob("/var/lib/berth/uids/*") + glob.glob("/var/lib/berth/ranges/*")
    return [f"uid claimed: {path}" for path in claims if mark in read(path) and os.path.exists(read(path).strip())]


def loop_devices(mark):
    return [f"loop device: {path}" for path in glob.glob("/sys/block/loop*/loop/backing_file") if mark in read(path)]


def all_of(home, state, ids):
    mark = Path(home).name
    return processes(mark) + mounts(mark) + groups(ids) + files(state) + uids(mark) + loop_devices(mark)


def after_patience(home, state, ids):
    end = time.monotonic() + PATIENCE
    while (found := all_of(home, state, ids)) and time.monotonic() < end:
        time.sleep(0.2)
    return found
