"""What the agent and nvidia-smi say about the same GPUs, side by side, for scripts/real-gpu."""

import csv
import io
import json
import pathlib
import re
import xml.etree.ElementTree as ElementTree

# What nvidia-smi prints for a value that the GPU does not have, or the driver no longer tells.
ABSENT = {"", "n/a", "not supported", "requested functionality has been deprecated", "not available"}
# The names that the agent gives to the recovery actions that nvidia-smi prints.
RECOVERY = {
    "none": "none",
    "reset": "gpu-reset",
    "gpu reset": "gpu-reset",
    "reboot": "node-reboot",
    "node reboot": "node-reboot",
    "drain p2p": "drain-p2p",
    "drain and reset": "drain-and-reset",
}
# The same for the modes of virtualization.
VIRTUALIZATION = {
    "none": "none",
    "pass-through": "passthrough",
    "vgpu": "vgpu",
    "host vgpu": "hostVgpu",
    "host vsga": "hostVsga",
}


def plain(text):
    return text


def number(text):
    """A number without its unit: `143771 MiB`, `16x`."""
    found = re.fullmatch(r"(\d+)(?:\.0+)? ?(?:MiB|MHz|x)?", text)
    return int(found[1]) if found else text


def milliwatts(text):
    found = re.fullmatch(r"(\d+(?:\.\d+)?) W", text)
    return round(float(found[1]) * 1000) if found else text


def switch(text):
    return {"enabled": True, "disabled": False, "yes": True, "no": False}.get(text.lower(), text)


def words(text):
    return re.sub(r"[ _]", "-", text.lower())


def virtualization(text):
    return VIRTUALIZATION.get(text.lower(), text)


def first_word(text):
    return text.split()[0].lower()


def address(text):
    """The address as the agent writes it: nvidia-smi has eight digits for the domain."""
    found = re.fullmatch(r"([0-9a-fA-F]+):(.*)", text)
    return f"{int(found[1], 16):04x}:{found[2].lower()}" if found else text


def recovery(text):
    return RECOVERY.get(text.lower(), text)


LINK = "pci/pci_gpu_link_info"
# The fact of the agent, where `nvidia-smi -q -x` has it, its name in `nvidia-smi --query-gpu`, and how to read the text.
ROWS = [
    ("uuid", ["uuid"], "uuid", plain),
    ("pciAddress", ["pci/pci_bus_id"], "pci.bus_id", address),
    ("name", ["product_name"], "name", plain),
    ("memoryMiB", ["fb_memory_usage/total"], "memory.total", number),
    ("computeCapability", [], "compute_cap", plain),
    ("migMode.current", ["mig_mode/current_mig"], "mig.mode.current", switch),
    ("migMode.pending", ["mig_mode/pending_mig"], "mig.mode.pending", switch),
    ("virtualization", ["gpu_virtualization_mode/virtualization_mode"], None, virtualization),
    ("serial", ["serial"], "serial", plain),
    ("vbios", ["vbios_version"], "vbios_version", plain),
    ("inforom", ["inforom_version/img_version"], "inforom.img", plain),
    ("boardPartNumber", ["board_part_number"], None, plain),
    ("minorNumber", ["minor_number"], None, number),
    ("architecture", ["product_architecture"], None, first_word),
    ("ecc", ["ecc_mode/current_ecc"], "ecc.mode.current", switch),
    ("eccPending", ["ecc_mode/pending_ecc"], "ecc.mode.pending", switch),
    ("gspFirmware", ["gsp_firmware_version"], None, plain),
    ("persistenceMode", ["persistence_mode"], "persistence_mode", switch),
    ("computeMode", ["compute_mode"], "compute_mode", words),
    ("bar1MiB", ["bar1_memory_usage/total"], None, number),
    ("maxGraphicsClock", ["max_clocks/graphics_clock"], "clocks.max.graphics", number),
    ("maxSMClock", ["max_clocks/sm_clock"], "clocks.max.sm", number),
    ("maxMemoryClock", ["max_clocks/mem_clock"], "clocks.max.memory", number),
    ("pcieMaxGeneration", [f"{LINK}/pcie_gen/max_link_gen"], "pcie.link.gen.max", number),
    ("pcieMaxWidth", [f"{LINK}/link_widths/max_link_width"], "pcie.link.width.max", number),
    # Older drivers call the element differently.
    (
        "powerLimit",
        [
            "gpu_power_readings/current_power_limit",
            "gpu_power_readings/power_limit",
            "power_readings/enforced_power_limit",
        ],
        "enforced.power.limit",
        milliwatts,
    ),
    ("remappedRowsCorrectable", ["remapped_rows/remapped_row_corr"], None, number),
    ("remappedRowsUncorrectable", ["remapped_rows/remapped_row_unc"], None, number),
    ("remappedRowsPending", ["remapped_rows/remapped_row_pending"], None, switch),
    ("remappedRowsFailed", ["remapped_rows/remapped_row_failure"], None, switch),
    ("recoveryAction", ["gpu_recovery_action"], None, recovery),
]
FIELDS = [field for _, _, field, _ in ROWS if field]


class Unreadable(Exception):
    """A recording that cannot be compared, with the reason."""


def text(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def document(path):
    """A JSON document; an empty one if the file has none."""
    try:
        found = json.loads(text(path))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def value(reading):
    """The value of a fact; None when it is absent, and the reason as a text when the agent could not read it."""
    reading = reading or {"state": "absent"}
    if reading.get("state") == "present":
        return reading.get("value")
    if reading.get("state") == "absent":
        return None
    return f"{reading.get('state')}: {reading.get('detail', 'no reason')}"


def nvml(facts):
    found = value(facts.get("vendor"))
    found = value(found.get("nvml")) if isinstance(found, dict) else found
    return found if isinstance(found, dict) else {}


def fact(gpu, name):
    name, _, member = name.partition(".")
    found = value(gpu.get(name))
    if isinstance(found, dict):
        if member:
            found = found.get(member)
        elif name == "computeCapability":
            found = f"{found.get('major')}.{found.get('minor')}"
    return found


def printed(text, convert):
    """What nvidia-smi printed, as the agent would write it; None for a value that the GPU does not have."""
    text = text.strip()
    return None if text.strip("[]").lower() in ABSENT else convert(text)


def smi_document(path):
    try:
        return ElementTree.fromstring(text(path))
    except ElementTree.ParseError as error:
        raise Unreadable(f"nvidia-smi -q -x printed no document: {error}") from error


def smi_rows(path):
    """The rows of `--query-gpu` by UUID. The names of the columns have no units."""
    rows = csv.DictReader(io.StringIO(text(path)), skipinitialspace=True)
    rows = [{name.split(" [")[0]: cell or "" for name, cell in row.items() if name} for row in rows]
    return {row["uuid"]: row for row in rows if row.get("uuid")}


def show(value):
    return "nothing" if value is None else json.dumps(value)


def differences(folder):
    """The differences between the agent and nvidia-smi, one line each, and the number of values that were compared."""
    folder = pathlib.Path(folder)
    agent, smi = nvml(document(folder / "facts.json")), smi_document(folder / "smi.xml")
    if not agent:
        raise Unreadable("the facts have no answer of NVML")
    rows = smi_rows(folder / "smi.csv")
    found, compared = [], 0

    def compare(name, ours, theirs, source):
        nonlocal compared
        compared += 1
        if ours != theirs:
            found.append(f"{name}: the agent has {show(ours)}, and {source} {show(theirs)}")

    compare("driver version", agent.get("driverVersion"), smi.findtext("driver_version"), "nvidia-smi -q -x")
    if smi.findtext("cuda_version"):
        compare("CUDA version", value(agent.get("cudaVersion")), smi.findtext("cuda_version"), "nvidia-smi -q -x")
    theirs = {gpu.findtext("uuid", "").strip(): gpu for gpu in smi.findall("gpu")}
    ours = {fact(gpu, "uuid"): gpu for gpu in agent.get("gpus", [])}
    for uuid in sorted(set(ours) ^ set(theirs), key=str):
        found.append(f"GPU {uuid}: only {'the agent' if uuid in ours else 'nvidia-smi -q -x'} lists it")
    for uuid in sorted(set(ours) & set(theirs), key=str):
        for name, places, field, convert in ROWS:
            title, mine = f"GPU {ours[uuid].get('index')} {name}", fact(ours[uuid], name)
            elements = [theirs[uuid].findtext(place) for place in places]
            element = next((element for element in elements if element is not None), None)
            if element is not None:
                compare(title, mine, printed(element, convert), "nvidia-smi -q -x")
            cell = rows.get(uuid, {}).get(field) if field else None
            if cell is not None:
                compare(title, mine, printed(cell, convert), "nvidia-smi --query-gpu")
    for facts_file, list_file in [("facts.json", "smi-list.txt"), ("mig-facts.json", "mig-smi-list.txt")]:
        if (folder / facts_file).exists() and (folder / list_file).exists():
            compare("MIG devices", mig_devices(folder / facts_file), listed(folder / list_file), "nvidia-smi -L")
    return found, compared


def mig_devices(path):
    """The UUIDs of the MIG devices in a file of facts."""
    lists = [value(gpu.get("migDevices")) for gpu in nvml(document(path)).get("gpus", [])]
    return sorted(device.get("uuid") for devices in lists if isinstance(devices, list) for device in devices)


def listed(path):
    return sorted(re.findall(r"UUID: (MIG-[^)\s]+)\)", text(path)))


def replay(folder):
    """The differences between what the agent printed on this machine, and what it prints for the recorded facts."""
    folder = pathlib.Path(folder)
    found = []
    for name, member in [("labels", "labels"), ("status", "verdict")]:
        live, again = document(folder / f"{name}.json"), document(folder / f"{name}-from-facts.json")
        if live and again and live.get(member) != again.get(member):
            found.append(f"{member} of {name} -o json: on the machine {show(live.get(member))}, "
                         f"from its facts {show(again.get(member))}")
    return found
