"""The simulated node, the API server and the agent of scripts/measure-traffic."""

import contextlib
import http.client
import json
import os
import pathlib
import secrets
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SIMULATOR = ROOT / "simulator" / "bin"
NODE = "gpu-node-1"
TAINT = {"key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"}
VERDICT = "gpu-agent.dev/verdict"


def wait_for(what, seconds, condition):
    """Waits for the first true value of the condition, and returns it; fails when the time is over."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            sys.exit(f"error: timed out while waiting for {what}")
        time.sleep(0.05)
    return value


class Gate:
    """A TCP port in front of the server, which can be closed as if the server were unreachable."""

    def __init__(self, target):
        self.target, self.port, self.listener, self.sockets = target, 0, None, set()
        self.open()

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=[self.listener], daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                self.sockets |= {client, server}
                for pair in (client, server), (server, client):
                    threading.Thread(target=self.copy, args=pair, daemon=True).start()

    def copy(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for connection in (source, sink):
            self.sockets.discard(connection)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Cluster:
    """A simulated API server with one Node, and a client with all rights."""

    def __init__(self, work, programs, python, policy, faults=()):
        self.log, self.agent_token, token = work / "requests.log", secrets.token_hex(), secrets.token_hex()
        port_file = work / "api-port"
        for file in (self.log, port_file):
            file.unlink(missing_ok=True)
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}, "spec": {"taints": [TAINT]}}
        (work / "node.json").write_text(json.dumps(node))
        (work / "token").write_text(self.agent_token)
        self.process = subprocess.Popen(
            [programs / "gpu-sim", "api-server", "--cert", work / "pki/server.crt", "--key", work / "pki/server.key",
             "--port-file", port_file, "--token", token, "--agent-token", f"{self.agent_token}={NODE}",
             "--node-file", work / "node.json", "--request-log", self.log, "--admission-policy", policy,
             "--python", python, *(part for fault in faults for part in ("--fault", fault))],
            cwd=ROOT, stdout=subprocess.DEVNULL,
        )
        self.port = int(wait_for("the API server", 60, lambda: port_file.exists() and port_file.read_text()))
        self.gate = Gate(self.port)
        self.headers = {"Authorization": f"Bearer {token}", "User-Agent": "somebody"}
        self.tls = ssl.create_default_context(cafile=work / "pki/ca.crt")
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=10)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def send(self, method, body=None, part=""):
        headers = {**self.headers, "Content-Type": "application/merge-patch+json"}
        body = json.dumps(body) if body else None
        self.connection.request(method, f"/api/v1/nodes/{NODE}{part}", body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            sys.exit(f"error: {method} of the Node was answered with {answer.status}: {text.decode()}")
        return json.loads(text)

    def is_shown(self, verdict, tainted):
        node = self.send("GET")
        taints = node["spec"].get("taints", [])
        is_tainted = any(taint["key"] == TAINT["key"] for taint in taints)
        return node["metadata"].get("labels", {}).get(VERDICT) == verdict and is_tainted == tainted

    def is_healthy(self):
        """Whether the Node shows the conditions of a node whose GPUs work."""
        conditions = self.send("GET").get("status", {}).get("conditions", [])
        return {each["type"]: each["status"] for each in conditions} == {"GPUReady": "True", "GPUHealthy": "True"}

    def requests(self, since=0.0):
        """The requests of the agent: pairs of time and verb."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        records = [json.loads(line) for line in lines if line.endswith("}")]
        return [
            (record["time"], "WATCH" if "watch=true" in record["target"] else record["method"])
            for record in records
            if record.get("userAgent", "").startswith("gpu-agent/") and record["time"] >= since
        ]


class Agent:
    """`gpu-agent run` on the simulated node."""

    def __init__(self, work, programs, cluster, options):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [programs / "gpu-agent", "run", *options, "--node-name", NODE, "--ca-file", work / "pki/ca.crt",
             "--api-server", f"https://127.0.0.1:{cluster.gate.port}", "--token-file", work / "token",
             "--start-jitter", "0s", "--listen", f"127.0.0.1:{self.port}"],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=(work / "agent.log").open("w"),
        )

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def processor_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def failed_requests(self):
        """The number of failed requests that the agent counted: a server that is unreachable counts none."""
        lines = [line for line in self.metrics().splitlines() if line.startswith("gpu_agent_api_requests_total{")]
        return sum(int(line.split()[-1]) for line in lines if 'outcome="failed"' in line)


class Host:
    """A simulated node with an H100, and the server of its driver packages."""

    def __init__(self, work, programs):
        self.work, self.programs, self.server = work, programs, None
        self.up()
        port_file = work / "download-port"
        subprocess.run([SIMULATOR / "catalog", "--dir", work, "--scenario", "h100", "--server", "http://127.0.0.1:PORT",
                        "--effort", "8"], check=True, stdout=subprocess.DEVNULL)
        self.server = subprocess.Popen(
            [programs / "gpu-sim", "download-server", work / "packages", "--port-file", port_file],
            stdout=subprocess.DEVNULL,
        )
        port = wait_for("the download server", 20, lambda: port_file.exists() and port_file.read_text().strip())
        catalog = work / "catalog.yaml"
        catalog.write_text(catalog.read_text().replace(":PORT", f":{port}"))

    def node(self, *arguments):
        command = [SIMULATOR / "node", arguments[0], "--dir", self.work, *arguments[1:]]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def up(self):
        self.node("up", "--scenario", "h100", "--set", "installer-slow=4")

    def renew(self):
        """Brings up a fresh node without a driver."""
        self.node("down")
        self.up()

    def options(self):
        pid = self.node("pid").strip()
        return ["--host-pid", pid, "--catalog-directory", "catalog", "--catalog", self.work / "catalog.yaml"]

    def install(self):
        """Installs the driver, and removes what an earlier agent left in /run."""
        install = [self.programs / "gpu-agent", "install", *self.options()]
        subprocess.run(install, check=True, cwd=ROOT, capture_output=True)
        self.node("exec", "rm", "-rf", "/run/gpu-agent")

    def stop(self):
        if self.server:
            self.server.terminate()
        self.node("down")
