"""Parses the part of Helm's templates that scripts/helm_subset.py renders."""

import dataclasses
import json
import re

ACTION = re.compile(r"\{\{(-(?=\s))?(.*?)((?<=\s)-)?\}\}", re.S)
TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(\d+)|(\$?\w*(?:\.\w+)+|\$\w*|\.)|(\w+)|(:=|[|(),]))')


class TemplateError(Exception):
    """A template that the subset does not have, or that Helm would refuse."""


@dataclasses.dataclass
class Action:
    """The words between two braces, with their place."""

    place: str
    tokens: list

    def fail(self, text):
        raise TemplateError(f"{self.place}: {text}")


@dataclasses.dataclass
class Block:
    """`if`, `with` or `range`: each branch has an action and a body. The action of a last `else` is None."""

    keyword: str
    branches: list


def trimmed_parts(text, name):
    """The parts of a template: strings, and actions. Trim markers are applied, and comments are gone."""
    parts, end, trim = [], 0, False
    for match in ACTION.finditer(text):
        before = text[end : match.start()]
        if trim:
            before = before.lstrip()
        if match[1]:
            before = before.rstrip()
        parts.append(before)
        action = Action(f"{name}:{text.count(chr(10), 0, match.start()) + 1}", [])
        words, end, trim = match[2].strip(), match.end(), bool(match[3])
        if words.startswith("/*"):
            if not words.endswith("*/"):
                action.fail("the comment has no end")
        else:
            action.tokens = tokens_of(words, action)
            parts.append(action)
    rest = text[end:].lstrip() if trim else text[end:]
    if "{{" in rest:
        raise TemplateError(f"{name}:{text.count(chr(10), 0, text.rindex('{{')) + 1}: the action has no end")
    return [part for part in [*parts, rest] if part != ""]


def tokens_of(words, action):
    """The words of an action, each with its kind."""
    tokens, at = [], 0
    while at < len(words):
        match = TOKEN.match(words, at)
        if not match:
            action.fail(f"'{words[at:]}' is not in the subset")
        kind = ("text", "number", "path", "word", "sign")[match.lastindex - 1]
        tokens.append((kind, match[match.lastindex]))
        at = match.end()
        # Without this, `.a .b` and `.a.b` could be confused, and so could `$.a` and `$ .a`.
        if kind != "sign" and at < len(words) and words[at] not in " \t|),:":
            action.fail(f"there must be a space after '{match[match.lastindex]}'")
    if not tokens:
        action.fail("the action is empty")
    return tokens


class Parser:
    """Makes a tree of the parts of one file. A body is a list of strings, actions and blocks."""

    def __init__(self, parts, defines):
        self.parts, self.defines = parts, defines

    def file(self):
        body, end = self.body()
        if end:
            end.fail(f"'{end.tokens[0][1]}' has no beginning")
        return body

    def body(self):
        """The body up to the `else` or `end` that ends it, and this action."""
        body = []
        while self.parts:
            part = self.parts.pop(0)
            keyword = part.tokens[0][1] if isinstance(part, Action) and part.tokens[0][0] == "word" else None
            if keyword in ("else", "end"):
                return body, part
            if keyword in ("if", "with", "range"):
                body.append(self.block(part, keyword))
            elif keyword == "define":
                self.define(part)
            else:
                body.append(part)
        return body, None

    def block(self, start, keyword):
        branches, action = [], Action(start.place, start.tokens[1:])
        while True:
            body, end = self.body()
            branches.append((action, body))
            if not end:
                start.fail(f"'{keyword}' has no end")
            words = [word for _, word in end.tokens]
            if words == ["end"]:
                return Block(keyword, branches)
            if words[0] == "end" or action is None:
                end.fail(f"'{' '.join(words)}' does not fit here")
            if words[:2] == ["else", "if"] and keyword == "if":
                action = Action(end.place, end.tokens[2:])
            elif words == ["else"]:
                action = None
            else:
                end.fail(f"'{' '.join(words)}' is not in the subset")

    def define(self, start):
        if [kind for kind, _ in start.tokens] != ["word", "text"]:
            start.fail("define needs a name")
        name = json.loads(start.tokens[1][1])
        if name in self.defines:
            start.fail(f"'{name}' is defined twice")
        body, end = self.body()
        if not end or end.tokens != [("word", "end")]:
            start.fail("'define' has no end")
        self.defines[name] = body
