"""Renders a Helm chart that uses a small part of Helm's templates.

The part is what daemonset/chart uses:

    {{ .Values.a }}  {{ .Chart.AppVersion }}  {{ .Release.Name }}  {{ $ }}  {{ $name.a }}
    {{ if }}  {{ else if }}  {{ else }}  {{ with }}  {{ range }}  {{ range $index, $item := … }}  {{ end }}
    {{ define "NAME" }}  {{ include "NAME" . }}  {{/* a comment */}}  {{- trim -}}
    ( )  |  and the functions in FUNCTIONS

Everything else is a TemplateError with file and line. So are some mistakes that Helm accepts: it prints nothing, or
`<no value>`, for a value that does not exist. A rendered text is the text of Helm but for the style of `toYaml`.

Needs PyYAML.
"""

import hashlib
import json
import pathlib
import re

import yaml

from helm_parser import Action, Block, Parser, TemplateError, trimmed_parts

__all__ = ["TemplateError", "load", "merged", "render"]
KINDS = {dict: "map", list: "slice", str: "string", bool: "bool", int: "int", type(None): "invalid"}


def to_yaml(value):
    text = yaml.safe_dump(value, default_flow_style=False, allow_unicode=True, width=10**9)
    return text.removesuffix("...\n").rstrip("\n")


def indented(count, text):
    return "\n".join(" " * count + line for line in text.split("\n"))


def quoted(value):
    text = printed(value)
    if not re.fullmatch(r"[ -~]*", text):
        raise ValueError(f"quote: '{text}' has characters that Go escapes in its own way")
    return json.dumps(text)


def equal(left, right):
    # Helm reads the numbers of values as floats, which are never equal to a number in a template.
    if type(left) is not type(right) or type(left) not in (str, bool):
        raise ValueError(f"eq: cannot compare {left!r} and {right!r}")
    return left == right


def printed(value):
    """The text that an action prints."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) not in (str, int):
        raise ValueError(f"cannot print {value!r}")
    return str(value)


def first(values, wanted):
    """The first value that is as true as wanted, or the last one."""
    return next((value for value in values if bool(value) == wanted), values[-1])


# The name of each function, its number of arguments (the least number, if it is negative), and what it does.
FUNCTIONS = {
    "and": (-2, lambda *values: first(values, False)),
    "or": (-2, lambda *values: first(values, True)),
    "not": (1, lambda value: not value),
    "eq": (2, equal),
    "default": (2, lambda fallback, value: value or fallback),
    "kindIs": (2, lambda kind, value: KINDS[type(value)] == kind),
    "nindent": (2, lambda count, text: "\n" + indented(count, text)),
    "quote": (1, quoted),
    "sha256sum": (1, lambda text: hashlib.sha256(text.encode()).hexdigest()),
    "toYaml": (1, to_yaml),
}


class Evaluator:
    """Renders bodies. The variables are `$` and those of `range`."""

    def __init__(self, defines):
        self.defines = defines

    def render(self, body, dot, variables):
        return "".join(self.part(part, dot, variables) for part in body)

    def part(self, part, dot, variables):
        if isinstance(part, str):
            return part
        if isinstance(part, Block):
            return self.block(part, dot, variables)
        value = self.value(part, dot, variables)
        try:
            return printed(value)
        except ValueError as error:
            return part.fail(error)

    def block(self, block, dot, variables):
        for action, body in block.branches:
            if action is None:
                return self.render(body, dot, variables)
            names, action = self.names(block, action)
            value = self.value(action, dot, variables)
            if not value:
                continue
            if block.keyword != "range":
                return self.render(body, value if block.keyword == "with" else dot, variables)
            if not isinstance(value, list):
                action.fail("the subset ranges only over lists")
            return "".join(
                self.render(body, item, {**variables, **dict(zip(names, (index, item)))})
                for index, item in enumerate(value)
            )
        return ""

    @staticmethod
    def names(block, action):
        """The variables that a `range` declares, and the rest of its action."""
        kinds = [word if kind == "sign" else kind for kind, word in action.tokens[:4]]
        if block.keyword == "range" and kinds == ["path", ",", "path", ":="]:
            return [action.tokens[0][1], action.tokens[2][1]], Action(action.place, action.tokens[4:])
        return [], action

    def value(self, action, dot, variables):
        tokens = list(action.tokens)
        value = self.pipeline(action, tokens, dot, variables)
        if tokens:
            action.fail(f"'{tokens[0][1]}' is not in the subset")
        return value

    def pipeline(self, action, tokens, dot, variables):
        piped = []
        while True:
            value = self.command(action, tokens, dot, variables, piped)
            if not tokens or tokens[0] != ("sign", "|"):
                return value
            tokens.pop(0)
            piped = [value]

    def command(self, action, tokens, dot, variables, piped):
        """One function with its arguments, or one value. A function gets the value of the pipe as its last argument."""
        function, arguments = None, []
        if tokens and tokens[0][0] == "word" and tokens[0][1] not in ("true", "false"):
            function = tokens.pop(0)[1]
        while tokens and tokens[0] not in (("sign", "|"), ("sign", ")")):
            arguments.append(self.operand(action, tokens, dot, variables))
        if function:
            return self.call(action, function, arguments + piped, variables)
        if len(arguments) != 1 or piped:
            action.fail("there must be one value, or a function with its arguments")
        return arguments[0]

    def operand(self, action, tokens, dot, variables):
        kind, word = tokens.pop(0)
        if kind == "text":
            return json.loads(word)
        if kind == "number":
            return int(word)
        if kind == "path":
            return self.field(action, word, dot, variables)
        if word in ("true", "false"):
            return word == "true"
        if word == "(":
            value = self.pipeline(action, tokens, dot, variables)
            if not tokens or tokens.pop(0) != ("sign", ")"):
                action.fail("the parenthesis has no end")
            return value
        return action.fail(f"'{word}' is not in the subset")

    @staticmethod
    def field(action, path, dot, variables):
        start, *names = path.split(".")
        if start and start not in variables:
            action.fail(f"there is no {start}")
        value = variables[start] if start else dot
        for name in filter(None, names):
            if not isinstance(value, dict):
                action.fail(f"{path}: there is no {name} in {value!r}")
            value = value.get(name)
        return value

    def call(self, action, name, arguments, variables):
        if name == "include":
            if len(arguments) != 2 or arguments[0] not in self.defines:
                action.fail(f"include: there is no template {arguments[:1]}")
            return self.render(self.defines[arguments[0]], arguments[1], {"$": arguments[1]})
        count, function = FUNCTIONS.get(name) or action.fail(f"the function '{name}' is not in the subset")
        if len(arguments) != count if count > 0 else len(arguments) < -count:
            action.fail(f"{name} does not take {len(arguments)} arguments")
        try:
            return function(*arguments)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return action.fail(f"{name}: {error}")


def render(templates, values, chart, release):
    """The rendered texts by name. `templates` has texts by name, and names with a leading underscore only define."""
    defines = {}
    bodies = {name: Parser(trimmed_parts(text, name), defines).file() for name, text in templates.items()}
    root = {"Values": values, "Chart": chart, "Release": release}
    evaluator = Evaluator(defines)
    return {name: evaluator.render(body, root, {"$": root}) for name, body in bodies.items() if name[0] != "_"}


def merged(base, values):
    """The values that a template sees: maps are merged, null removes a key, and everything else is replaced."""
    if not isinstance(base, dict) or not isinstance(values, dict):
        return values
    result = {key: merged(base.get(key), value) for key, value in values.items() if value is not None}
    return {key: value for key, value in base.items() if key not in values} | result


def load(directory):
    """The templates, the values and the description of a chart."""
    folder = pathlib.Path(directory)
    templates = {path.name: path.read_text() for path in sorted((folder / "templates").iterdir())}
    about = yaml.safe_load((folder / "Chart.yaml").read_text())
    chart = {"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]}
    return templates, yaml.safe_load((folder / "values.yaml").read_text()), chart
