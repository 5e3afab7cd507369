"""A copy-on-write view of the checkout, for scripts/mutate-rules: where mutations are built and tested."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from rule_table import ROOT, mutated

TEST_DEADLINE = 900
WIDTH = 8 * (os.cpu_count() or 1)
# The mount hides the checkout with a view of it: what is written goes to the folder "upper".
VIEW = """
mount -t overlay rules -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$1" && cd "$1" && shift 2 && exec "$@"
"""
# The Python of the checks has their packages.
PRELUDE = '. scripts/lib.sh; need_swift; export PATH="$PWD/.build/tools/venv/bin:$PATH"; '


class View:
    """A copy-on-write view of the checkout at its own path, with the mutations of some rules."""

    def __init__(self, rules=()):
        self.rules = list(rules)
        self.folder = None

    def __enter__(self):
        if self.rules:
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rules-"))
            (self.folder / "work").mkdir()
            for rule in self.rules:
                for path, text in mutated(rule).items():
                    copy = self.folder / "upper" / path
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_text(text)
                    shutil.copymode(ROOT / path, copy)
        return self

    def __exit__(self, *_):
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, script, log, deadline=None):
        """Runs a script of bash with the functions of scripts/lib.sh; its exit status, or None after the deadline."""
        command = ["bash", "-c", PRELUDE + script]
        if self.folder:
            view = ["unshare", "--mount", "--propagation", "private", "bash", "-c", VIEW, "view"]
            command = [*view, str(ROOT), str(self.folder), *command]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(deadline)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def build(self):
        """Builds; the lines of the errors, and nothing when it built."""
        with tempfile.TemporaryFile("w+") as log:
            status = self.run("swift_build --build-tests && swift_build --product gpu-sim", log)
            if status == 0:
                return []
            log.seek(0)
            text = log.read()
            return [line for line in text.splitlines() if "error:" in line] or [text[-500:]]

    def test(self, tests):
        """Runs the tests; the failures as pairs of identifier and text, the tests that ran, and whether it ended."""
        failures, ran, ended = [], set(), False
        with tempfile.NamedTemporaryFile("w+", suffix=".jsonl") as stream, tempfile.TemporaryFile("w+") as log:
            filters = " ".join(f"--filter '{pattern}'" for pattern in sorted({test.pattern for test in tests}))
            script = (
                f"swift test --skip-build --event-stream-version 0 --event-stream-output-path {stream.name} "
                f"--experimental-maximum-parallelization-width {WIDTH} {filters}"
            )
            self.run(script, log, TEST_DEADLINE)
            for line in stream.read().splitlines():
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                event = record["payload"] if record["kind"] == "event" else {}
                identifier = event.get("testID", "")
                ended = ended or event.get("kind") == "runEnded"
                if event.get("kind") == "testEnded":
                    ran.add(identifier)
                if event.get("kind") == "issueRecorded" and not event.get("issue", {}).get("isKnown"):
                    failures.append((identifier, " ".join(part["text"] for part in event.get("messages", []))))
        return failures, ran, ended

    def fails(self, check):
        """What the command prints when it fails, on one line; None when it does not fail."""
        with tempfile.TemporaryFile("w+") as log:
            status = self.run(check.name, log, TEST_DEADLINE)
            log.seek(0)
            lines = [line.strip() for line in log.read().splitlines() if line.strip()]
            if status == 0 or check.text not in " ".join(lines):
                return None
            return next((line for line in lines if line.startswith(("FAIL", "error"))), "no output")
