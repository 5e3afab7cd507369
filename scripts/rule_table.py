"""The table of rules in Tests/rules.txt, for scripts/mutate-rules: how it is read, and which rules fit together."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULES = ROOT / "Tests" / "rules.txt"
COMPILED = ("Sources/", "simulator/Sources/", "Tests/")


class Failure(Exception):
    """A problem that ends the script with exit code 1."""


@dataclasses.dataclass
class Edit:
    """A change of one file."""

    path: str
    old: list = dataclasses.field(default_factory=list)
    new: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Test:
    """A test, as TARGET.SUITE or TARGET.SUITE/FUNCTION, or a command, and a text that its failure must contain."""

    name: str
    text: str = ""

    @property
    def pattern(self):
        """The filter of `swift test`."""
        suite, _, function = self.name.partition("/")
        return re.escape(suite) + "/" + (re.escape(function) + r"\(" if function else "")

    def covers(self, identifier):
        return re.match(self.pattern, identifier) is not None

    def overlaps(self, other):
        """Whether a failure could belong to both tests."""
        one, two = self.name.partition("/"), other.name.partition("/")
        return one[0] == two[0] and (one[2] == two[2] or not one[2] or not two[2])


@dataclasses.dataclass
class Rule:
    """An entry of the file."""

    name: str
    line: int
    edits: list = dataclasses.field(default_factory=list)
    tests: list = dataclasses.field(default_factory=list)
    checks: list = dataclasses.field(default_factory=list)

    def fits_beside(self, other):
        files = {edit.path for edit in self.edits} & {edit.path for edit in other.edits}
        tests = any(one.overlaps(two) for one in self.tests for two in other.tests)
        return not files and not tests

    @property
    def needs_build(self):
        return bool(self.tests) and any(edit.path.startswith(COMPILED) for edit in self.edits)


def read_rules():
    """The entries of the file."""
    rules, edit = [], None
    for number, line in enumerate(RULES.read_text().splitlines(), 1):
        place = f"{RULES.relative_to(ROOT)}:{number}"
        key, _, value = line.partition(" ")
        if not line.strip() or line.startswith("#"):
            continue
        if key == "rule:":
            rules.append(Rule(value, number))
            edit = None
        elif not rules:
            raise Failure(f"{place}: a rule begins with 'rule: NAME'")
        elif key == "file:":
            edit = Edit(value)
            rules[-1].edits.append(edit)
        elif key in ("-", "+"):
            if edit is None:
                raise Failure(f"{place}: 'file: PATH' must come first")
            (edit.old if key == "-" else edit.new).append(value)
        elif key == "test:":
            rules[-1].tests.append(Test(*(part.strip() for part in value.split(" > ", 1))))
        elif key == "check:":
            rules[-1].checks.append(Test(*(part.strip() for part in value.split(" > ", 1))))
        else:
            raise Failure(f"{place}: unknown line '{line}'")
    names = [rule.name for rule in rules]
    for rule in rules:
        if names.count(rule.name) > 1:
            raise Failure(f"{RULES.relative_to(ROOT)}:{rule.line}: a second rule '{rule.name}'")
        if not rule.edits or not rule.tests + rule.checks:
            raise Failure(f"{RULES.relative_to(ROOT)}:{rule.line}: '{rule.name}' needs a file, and a test or a check")
    return rules


def missing_tests(rule):
    """The tests of the rule whose suite or function is not in the sources, as problems."""
    problems = []
    for test in rule.tests:
        target_and_suite, _, function = test.name.partition("/")
        target, _, suite = target_and_suite.partition(".")
        folders = [path for root in ("Tests", "simulator/Tests") if (path := ROOT / root / target).is_dir()]
        texts = [path.read_text() for folder in folders for path in folder.rglob("*.swift")]
        texts = [text for text in texts if re.search(rf"\b(struct|class|actor|extension) {suite}\b", text)]
        if not any(re.search(rf"\bfunc {function}\(", text) for text in texts) if function else not texts:
            problems.append(f"stale: '{rule.name}': there is no test {test.name}")
    return problems


def mutated(rule):
    """The files that the rule changes, with their new texts."""
    texts = {}
    for edit in rule.edits:
        path = ROOT / edit.path
        if not path.is_file():
            raise Failure(f"stale: '{rule.name}': there is no file {edit.path}")
        text = texts.get(edit.path) or path.read_text()
        old, new = "\n".join(edit.old), "\n".join(edit.new)
        count = text.count(old) if old else 0
        if count != 1:
            raise Failure(f"stale: '{rule.name}': the text to replace occurs {count} times in {edit.path}")
        texts[edit.path] = text.replace(old, new)
    return texts


def batches_of(rules, size):
    """The rules in groups that can share a build. The rules that need no build are one group."""
    batches = []
    apart = [rule for rule in rules if not rule.needs_build]
    for rule in rules:
        if rule in apart:
            continue
        for batch in batches:
            if len(batch) < size and all(rule.fits_beside(other) for other in batch):
                batch.append(rule)
                break
        else:
            batches.append([rule])
    return ([apart] if apart else []) + batches
