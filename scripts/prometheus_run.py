"""A Prometheus that reads given metrics, for scripts/check-monitoring."""

import contextlib
import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

# How long Prometheus may take to start and to read the metrics twice, in seconds.
START = 30


@contextlib.contextmanager
def served(texts):
    """A server that answers /NAME/metrics with the text of this name. Gives its host and port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            text = texts.get(self.path.split("/")[1])
            self.send_response(404 if text is None else 200)
            is_open = (text or "").endswith("# EOF\n")
            kind = "application/openmetrics-text; version=1.0.0" if is_open else "text/plain; version=0.0.4"
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def configuration(names, target):
    """Reads the metrics of each name as those of the agent on a node of this name."""
    jobs = [
        {
            "job_name": name,
            "metrics_path": f"/{name}/metrics",
            "static_configs": [{"targets": [target], "labels": {"node": name, "namespace": "gpu-agent"}}],
        }
        for name in names
    ]
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": jobs,
    }


@contextlib.contextmanager
def prometheus(path, folder, settings):
    """A Prometheus that runs in the folder. Gives the address of its API."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # JSON is YAML.
    (folder / "prometheus.yaml").write_text(json.dumps(settings))
    options = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([path, *options], cwd=folder, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}/api/v1/"
    finally:
        process.kill()
        process.wait()


def get(address, path, **query):
    """The data of an answer of Prometheus. Raises ValueError with the message of Prometheus."""
    url = f"{address}{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error).get("error", str(error))) from error


def read_twice(address, count):
    """The rules, when Prometheus has read all targets twice and evaluated each rule. Otherwise None.

    A rate needs two values.
    """
    with contextlib.suppress(OSError, ValueError):
        read = get(address, "query", query="count(up == 1 and count_over_time(up[1m]) > 1)")["result"]
        rules = [rule for group in get(address, "rules")["groups"] for rule in group["rules"]]
        if read and int(read[0]["value"][1]) == count and all(rule["health"] != "unknown" for rule in rules):
            return rules
    return None


@contextlib.contextmanager
def evaluated(path, folder, texts):
    """A Prometheus that has read the texts, by node, and evaluated rules.yaml in the folder.

    Gives the rules, and a function that returns the result of an expression, or raises ValueError.
    """
    with served(texts) as target, prometheus(path, folder, configuration(texts, target)) as address:
        end = time.monotonic() + START
        while (rules := read_twice(address, len(texts))) is None:
            if time.monotonic() > end:
                last = (folder / "log").read_text().splitlines()[-1:]
                raise ValueError(f"Prometheus did not read the metrics within {START} seconds: {last}")
            time.sleep(0.2)
        yield rules, lambda expression: get(address, "query", query=expression)["result"]
