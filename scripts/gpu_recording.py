"""The steps of scripts/real-gpu that read a recording: what to ask next, what differs, the manifest, and the redaction.

Usage: gpu_recording.py COMMAND FOLDER [ARGUMENT]...
"""

import json
import pathlib
import re
import sys

import gpu_comparison as comparison
from gpu_comparison import document, fact, nvml, text, value

# Hosts have such names without being known by them, and other programs print these words.
COMMON_NAMES = {"localhost", "ubuntu", "debian", "fedora", "rocky", "linux", "nvidia", "node", "host", "server", "test"}
# Elements of `nvidia-smi -q -x` that tell one machine from another.
SECRET_ELEMENTS = ("serial", "chassis_serial_number", "gpu_fabric_guid", "pdi", "host_id")
# The asset tags by which the catalog knows a platform (catalog/platforms.yaml).
KNOWN_TAGS = {"7783-7084-3265-9085-8269-3286-77", "OracleCloud.com", "Amazon EC2"}
UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# Without zeros at the beginning of a number, so that it is not the version of a VBIOS.
BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
PATTERN = re.compile(
    rf"(?P<uuid>(?<![0-9a-fA-F]){UUID}(?![0-9a-fA-F]))"
    r"|(?P<hex>(?<![0-9a-zA-Z])[0-9a-fA-F]{32}(?![0-9a-zA-Z]))"
    r"|(?P<mac>(?<![0-9a-fA-F:])(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(?![0-9a-fA-F:]))"
    rf"|(?P<ip>(?<![0-9a-zA-Z.])(?:{BYTE}\.){{3}}{BYTE}(?![0-9a-zA-Z.]))"
)
PROGRAM = re.compile(r"(<process_name>)[^<]*(</process_name>)|(\bname=)[^,\s\"<\\]+")


def nvidia_gpus(folder):
    """The GPUs of NVIDIA on the PCI bus; None when the facts do not tell."""
    functions = value(document(folder / "facts.json").get("pci"))
    if not isinstance(functions, list):
        return None
    return [one for one in functions if str(one.get("id", "")).startswith("10de:") and one.get("classCode", 0) >> 8 == 3]


def presence(folder):
    """Prints `yes`, `no` or `unknown`: whether the machine has a GPU of NVIDIA."""
    gpus = nvidia_gpus(folder)
    if re.search(r"^GPU \d+:", text(folder / "smi-list.txt"), re.MULTILINE):
        return "yes"
    return "unknown" if gpus is None else "yes" if gpus else "no"


def library(folder):
    """Prints the path of NVML on the host."""
    found = value(document(folder / "facts.json").get("driver", {}).get("nvmlLibrary"))
    return found["path"] if isinstance(found, dict) else ""


def mig_choice(folder):
    """Prints `INDEX true|false` for the first GPU whose layout this script can change and restore: the MIG mode.

    A reason on standard error and exit status 1 when there is none.
    """
    reasons = []
    for gpu in nvml(document(folder / "facts.json")).get("gpus", []):
        index, mode, devices = gpu.get("index"), fact(gpu, "migMode"), fact(gpu, "migDevices") or []
        processes = fact(gpu, "processes")
        if not isinstance(mode, dict):
            reason = "has no MIG"
        elif fact(gpu, "virtualization") == "vgpu":
            reason = "is a vGPU"
        elif devices:
            reason = "has MIG devices, and new ones would have other UUIDs"
        elif mode["current"] != mode["pending"]:
            reason = "has a change of the MIG mode that is pending"
        elif not isinstance(processes, dict) and processes is not None:
            reason = "does not tell its processes"
        elif processes and processes.get("count"):
            reason = "is in use"
        else:
            return f"{index} {json.dumps(mode['current'])}"
        reasons.append(f"GPU {index} {reason}")
    sys.exit("; ".join(reasons) or "NVML lists no GPU")


def mig_profile(folder, name, index):
    """Prints `"PROFILE": COUNT` for the smallest profile of the GPU, from the output of `mig list -o json`."""
    for gpu in document(folder / name).get("gpus", []):
        profiles = [one for one in gpu["profiles"] if one["free"] and re.fullmatch(r"\d+g\.\d+gb", one["name"])]
        if str(gpu["index"]) == index and profiles:
            smallest = min(profiles, key=lambda one: (int(one["name"].split("g")[0]), -one["instances"]))
            return f'"{smallest["name"]}": {smallest["instances"]}'
    sys.exit(f"the agent names no profile of GPU {index} that fits")


def differences(folder):
    """Writes `differences.txt`, and prints the number of values that were compared."""
    try:
        found, compared = comparison.differences(folder)
    except comparison.Unreadable as error:
        found, compared = [f"the values were not compared: {error}"], 0
    found += comparison.replay(folder)
    (folder / "differences.txt").write_text("".join(f"{line}\n" for line in found), encoding="utf-8")
    return compared


def manifest(folder, *settings):
    """Writes `manifest.json` from the facts, the lines of `steps.tsv` and `figures.tsv`, and NAME=VALUE settings."""
    facts = document(folder / "facts.json")
    gpus = nvml(facts)
    host = facts.get("host", {})
    system, machine = value(host.get("osRelease")), value(host.get("dmi"))
    steps = [line.split("\t") for line in text(folder / "steps.tsv").splitlines()]
    figures = [line.split("\t") for line in text(folder / "figures.tsv").splitlines()]
    result = {
        "kind": "GPURecording",
        "formatVersion": 1,
        "hardware": [fact(gpu, "name") for gpu in gpus.get("gpus", [])],
        "driver": gpus.get("driverVersion"),
        "cuda": value(gpus.get("cudaVersion")),
        "kernel": value(host.get("kernelRelease")),
        "architecture": value(host.get("architecture")),
        "system": system.get("prettyName") if isinstance(system, dict) else None,
        "machine": f"{machine.get('systemVendor')} {machine.get('productName')}" if isinstance(machine, dict) else None,
        **{name: json.loads(setting) for name, _, setting in (setting.partition("=") for setting in settings)},
        "figures": {name: json.loads(figure) for name, figure in figures},
        "steps": [
            {"file": name, "result": result, "exit": int(code) if code else None, "seconds": float(took), "command": command}
            for name, result, code, took, command in steps
        ],
        "differences": text(folder / "differences.txt").splitlines(),
    }
    (folder / "manifest.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for name in ("steps.tsv", "figures.tsv"):
        (folder / name).unlink(missing_ok=True)


class Redaction:
    """Replaces what tells one machine from another. The same text has the same replacement in every file."""

    def __init__(self, folder, host_names, places):
        self.numbers = {}
        self.words = {word: replacement for word, replacement in places if len(word) > 1}
        names = {name for host in host_names for name in (host, host.split(".")[0])}
        self.words.update({name: "gpu-node" for name in names if len(name) > 2 and name.lower() not in COMMON_NAMES})
        serials = {fact(gpu, "serial") for gpu in nvml(document(folder / "facts.json")).get("gpus", [])}
        for name in sorted(folder.glob("*.xml")):
            for element in SECRET_ELEMENTS:
                serials.update(re.findall(rf"<{element}>\s*([^<]*?)\s*</{element}>", text(name)))
        dmi = value(document(folder / "facts.json").get("host", {}).get("dmi"))
        serials.add(dmi.get("chassisAssetTag") if isinstance(dmi, dict) else None)
        for row in comparison.smi_rows(folder / "smi.csv").values():
            serials.add(row.get("serial"))
        self.serials = {one for one in serials if one and len(one) > 3 and re.search(r"\d", one)} - KNOWN_TAGS
        found = sorted([*self.serials, *self.words], key=len, reverse=True)
        self.literal = re.compile("|".join(rf"(?<![\w-]){re.escape(one)}(?![\w-])" for one in found) or r"(?!)")

    def number(self, kind, original):
        return self.numbers.setdefault((kind, original), 1 + sum(one == kind for one, _ in self.numbers))

    def literals(self, match):
        found = match[0]
        if found in self.words:
            return self.words[found]
        return str(self.number("serial", found)).zfill(len(found))

    def patterns(self, match):
        found = match[0]
        if match["ip"]:
            keeps = found.startswith(("127.", "0.", "169.254.169.254"))
            return found if keeps else f"192.0.2.{self.number('ip', found) % 256}"
        if match["mac"]:
            return f"02:00:00:00:00:{self.number('mac', found.lower()) % 256:02x}"
        digits = found.replace("-", "").lower()
        if set(digits) == {"0"}:
            return found
        # Machines of EC2 on Xen are known by the beginning of their UUID.
        start = digits[:3] if digits.startswith("ec2") else ""
        new = f"{start}{self.number('uuid', digits):0{8 - len(start)}x}-0000-4000-8000-000000000000"
        new = new if match["uuid"] else new.replace("-", "")
        return new.upper() if found.isupper() else new

    def __call__(self, content):
        content = PROGRAM.sub(lambda match: f"{match[1] or match[3]}process{match[2] or ''}", content)
        return PATTERN.sub(self.patterns, self.literal.sub(self.literals, content))


def redact(folder, *arguments):
    """Redacts all files in the folder. The arguments are names of the host, and WORD=REPLACEMENT for other texts."""
    names = [one for one in arguments if "=" not in one]
    change = Redaction(folder, names, [one.rsplit("=", 1) for one in arguments if "=" in one])
    files = sorted(folder.iterdir())
    contents = {path: change(text(path)) for path in files}
    for path, content in contents.items():
        path.write_text(content, encoding="utf-8")
    kept = [name for name in names if name.split(".")[0].lower() in COMMON_NAMES or len(name) < 3]
    return f"the host name '{kept[0]}' is a common word, and stays" if kept else None


COMMANDS = {
    "presence": presence,
    "library": library,
    "mig-choice": mig_choice,
    "mig-profile": mig_profile,
    "differences": differences,
    "manifest": manifest,
    "redact": redact,
    "fields": lambda _: "\n".join(comparison.FIELDS),
}

if __name__ == "__main__":
    printed = COMMANDS[sys.argv[1]](pathlib.Path(sys.argv[2]), *sys.argv[3:])
    if printed is not None:
        print(printed)
