#!/usr/bin/env python3
"""podman's Engine API as one side of a comparison: each line on stdin is one executed program, answered with the
microseconds it took. Started by bench_sandbox: podman.py STATIC_PROGRAM, which ends at once when given `true`.

Everything is private and removed at the end: storage, socket, service. How podman is made to run on a machine whose
limits of open files cannot be raised and that has no systemd: runc, no cgroup manager but cgroupfs, limits of our own.
"""
import http.client
import io
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

API = "/v1.40"  # the Docker-compatible one


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Podman:
    def __init__(self, directory):
        self.directory = directory
        self.socket = str(directory / "socket")
        files = min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        processes = 20000 if processes < 0 else min(20000, processes)
        (directory / "containers.conf").write_text(
            f'[containers]\ndefault_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]\n'
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n')
        environment = dict(os.environ, CONTAINERS_CONF=str(directory / "containers.conf"),
                           XDG_RUNTIME_DIR=str(directory))
        self.service = subprocess.Popen(
            ["podman", "--root", str(directory / "root"), "--runroot", str(directory / "run"), "--tmpdir",
             str(directory / "tmp"), "system", "service", "--time", "0", "unix://" + self.socket],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(directory / "service.log").open("w"))
        self.container = None

    def wait(self):
        for _ in range(200):
            if self.service.poll() is not None:
                raise RuntimeError("the service ended: " + (self.directory / "service.log").read_text()[-300:])
            try:
                return self.ask("GET", "/_ping")
            except (ConnectionRefusedError, FileNotFoundError):
                time.sleep(0.05)
        raise RuntimeError("the service does not answer")

    def ask(self, method, path, body=None, kind="application/json"):
        connection = Connection(self.socket)
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, body=data, headers={"Content-Type": kind} if data else {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:200]!r}")
        return content

    def start(self, program):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            tar.add(program, "hold")
        self.ask("POST", "/v4.0.0/libpod/images/import?reference=localhost/hold:1", packed.getvalue(),
                 "application/x-tar")
        made = self.ask("POST", API + "/containers/create", {
            "Image": "localhost/hold:1", "Cmd": ["/hold"], "HostConfig": {"NetworkMode": "none"}})
        self.container = json.loads(made)["Id"]
        self.ask("POST", f"{API}/containers/{self.container}/start", {})

    def execute(self):
        made = self.ask("POST", f"{API}/containers/{self.container}/exec",
                        {"Cmd": ["/hold", "true"], "AttachStdout": True, "AttachStderr": True})
        name = json.loads(made)["Id"]
        self.ask("POST", f"{API}/exec/{name}/start", {"Detach": False, "Tty": False})
        code = json.loads(self.ask("GET", f"{API}/exec/{name}/json"))["ExitCode"]
        if code != 0:
            raise RuntimeError(f"the program ended with {code}")

    def end(self):
        try:
            if self.container:
                self.ask("DELETE", f"{API}/containers/{self.container}?force=true")
        finally:
            self.service.terminate()
            self.service.wait()
            self.end_monitors()
            self.remove_groups()

    def end_monitors(self):
        """conmon stays for minutes beside each exec that has ended: those that name our directory are ours."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes()
                if b"conmon" in words.split(b"\0")[0] and os.fsencode(self.directory) in words:
                    os.kill(int(process.name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                pass  # it went by itself

    @staticmethod
    def remove_groups():
        for _ in range(20):
            left = [group for parent in Path("/sys/fs/cgroup").glob("**/libpod_parent")
                    for group in parent.glob("**/")]
            for group in sorted(left, reverse=True):
                try:
                    group.rmdir()
                except OSError:
                    pass  # somebody is in it still
            if not left:
                return
            time.sleep(0.05)


def main():
    directory = Path(tempfile.mkdtemp(prefix="berth-bench-podman-"))
    podman = Podman(directory)
    try:
        podman.wait()
        podman.start(sys.argv[1])
        print("ready", flush=True)
        for _ in sys.stdin:
            start = time.perf_counter_ns()
            podman.execute()
            print(f"{(time.perf_counter_ns() - start) / 1000:.1f}", flush=True)
    finally:
        podman.end()
        # podman leaves its storage mounted on itself.
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            points = [line.split()[4] for line in mounts]
        for point in reversed([point for point in points if point.startswith(str(directory))]):
            subprocess.run(["umount", "--lazy", point], check=False)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
