"""What a template may do: an allow-list over the parsed template, checked before anything is compiled.

A sandbox stops escapes but not bombs, and some bombs go off while compiling. Parsing folds no constants, so looking at
the tree is safe; what is not on the list does not exist for template authors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes

from messenger.errors import Finding
from messenger.rendering import narrow
from messenger.rendering.shape import SHAPE
from messenger.rendering.syntax import explained
from messenger.rendering.usage import Mistake, bare, filtered

ALLOWED: Final = (*narrow.ALLOWED, nodes.Getitem)
"""Square brackets have a sentence of their own."""
FILTERS: Final = frozenset({"date", "datetime", "time", "money", "number", "duration", "country", "list", "plural"})
LONGEST_CONSTANT: Final = 400
DEEPEST_LOOP: Final = narrow.DEEPEST_LOOP
DEEPEST: Final = 60
MOST_TOLD: Final = 20


def check(
    environment: Environment, text: str, *, file: str, line: int, more: Mapping[str, str] | None = None
) -> list[Finding]:
    """Return everything in a piece of a template that is not allowed, unknown or broken.

    Args:
        environment: only its parser is used.
        text: the piece.
        file: how the file is named in findings.
        line: on which line of the file the piece starts.
        more: names this piece may use besides the documented ones; a name of shape ``phrases`` has any field.
    """
    try:
        tree = environment.parse(text)
    except TemplateSyntaxError as error:
        at, problem, remedy = explained(error, text)
        return [Finding(file, line + at - 1, 1, "", problem, remedy)]
    except Exception as error:  # noqa: BLE001  # a parser that gives up refuses this template, nothing else
        return [Finding(file, line, 1, "", f"cannot be parsed: {type(error).__name__}", "make it simpler")]
    walk = _Walk(file, line)
    try:
        walk.visit(tree, dict(more or {}), loops=0, depth=0)
    except RecursionError:
        walk.findings.append(Finding(file, line, 1, "", "is nested too deeply", "make it simpler"))
    return walk.findings


class _Walk:
    """One pass over the tree; ``scope`` maps loop variables to the shape of what they hold."""

    def __init__(self, file: str, line: int) -> None:
        self.findings: list[Finding] = []
        self._file = file
        self._line = line
        self._parts = 0

    def visit(self, node: nodes.Node, scope: dict[str, str], *, loops: int, depth: int) -> None:
        self._parts += 1
        if self._parts > narrow.MOST_PARTS:
            if self._parts == narrow.MOST_PARTS + 1:
                self._refuse(node, "is made of too many parts", f"at most {narrow.MOST_PARTS} names, tags and values")
            return
        if depth > DEEPEST:
            self._refuse(node, "is nested too deeply", "make it simpler")
            return
        if not isinstance(node, ALLOWED):
            self._refuse(node, f"{_called(node)} is not allowed in templates", "if, for and filters only")
            return
        self._check(node, scope)
        inner = scope
        if isinstance(node, nodes.For):
            inner = self._loop(node, scope, loops)
            loops += 1
        for child in _children(node):
            self.visit(child, inner, loops=loops, depth=depth + 1)

    def _check(self, node: nodes.Node, scope: dict[str, str]) -> None:
        if isinstance(node, nodes.Const):
            self._constant(node)
        elif isinstance(node, nodes.Filter):
            self._filter(node, scope)
        elif isinstance(node, nodes.Output):
            self._output(node, scope)
        elif isinstance(node, nodes.Getitem):
            self._refuse(node, "square brackets are not allowed in templates", "write order.number")
        elif isinstance(node, nodes.Name | nodes.Getattr) and not (
            isinstance(node, nodes.Name) and node.ctx == "store"
        ):
            self._placeholder(node, scope)

    def _constant(self, node: nodes.Const) -> None:
        if isinstance(node.value, str) and len(node.value) > LONGEST_CONSTANT:
            self._refuse(node, f"a text of {len(node.value)} characters inside a tag", f"at most {LONGEST_CONSTANT}")
        if isinstance(node.value, int | float) and abs(node.value) > 10**9:
            self._refuse(node, "the number is too large", f"at most {10**9}")

    def _filter(self, node: nodes.Filter, scope: dict[str, str]) -> None:
        if node.name not in FILTERS:
            near = get_close_matches(node.name, FILTERS, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(FILTERS))}"
            self._refuse(node, f"unknown filter '{node.name}'", remedy)
        elif node.dyn_args is not None or node.dyn_kwargs is not None:
            self._refuse(node, "arguments of a filter are written out", "no * and no **")
        elif node.node is not None:
            path = _path(node.node)
            self._wrong(node, filtered(node, _kind(node.node, scope), path or "…"), path or node.name)

    def _output(self, node: nodes.Output, scope: dict[str, str]) -> None:
        for one in node.nodes:
            if (path := _path(one)) is not None:
                self._wrong(one, bare(_kind(one, scope), path), path)

    def _placeholder(self, node: nodes.Name | nodes.Getattr, scope: dict[str, str]) -> None:
        """Every placeholder is one that is documented."""
        path = _path(node)
        if path is None:
            self._refuse(node, "only names with dots are placeholders", "write order.number")
            return
        known: dict[str, str] = SHAPE[""] | scope
        walked: list[str] = []
        for part in path.split("."):
            if part not in known:
                near = [".".join([*walked, one]) for one in get_close_matches(part, known, n=1)]
                self._refuse(
                    node,
                    "there is no such placeholder",
                    f"did you mean '{near[0]}'?" if near else "see docs/reference/templates.md",
                    key=path,
                )
                return
            if known[part] == "phrases":
                return
            walked.append(part)
            known = SHAPE.get(known[part], {})

    def _wrong(self, node: nodes.Node, mistake: Mistake | None, key: str) -> None:
        if mistake is not None:
            self._refuse(node, *mistake, key=key)

    def _loop(self, node: nodes.For, scope: dict[str, str], loops: int) -> dict[str, str]:
        path = _path(node.iter)
        if loops >= DEEPEST_LOOP:
            self._refuse(node, "loops stand at most two deep", "")
        if node.recursive or node.test is not None or not isinstance(node.target, nodes.Name) or path is None:
            self._refuse(node, "a loop goes over a list of the order", "write {% for item in order.items %}")
            return scope
        name = node.target.name
        if name in SHAPE[""] or name.startswith("_") or name.endswith("_"):
            self._refuse(node, f"'{name}' cannot name what a loop goes over", "take another name", key=name)
        holds = _shape_of(path, scope)
        if not holds.startswith("list of "):
            self._refuse(node, f"'{path}' is no list", "lists: order.items, shipments", key=path)
        return scope | {node.target.name: holds.removeprefix("list of ")}

    def _refuse(self, node: nodes.Node, problem: str, remedy: str, key: str = "") -> None:
        if len(self.findings) < MOST_TOLD or self._parts == narrow.MOST_PARTS + 1:
            self.findings.append(Finding(self._file, self._line + (node.lineno or 1) - 1, 1, key, problem, remedy))


_CALLED: Final = {
    "call": "a pair of brackets after a name", "assign": "{% set %}", "assignblock": "{% set %}", "condexpr": "'if' inside {{ }}",
    "list": "a list of its own", "tuple": "a list of its own", "dict": "a table of its own", "concat": "joining with ~",
    "test": "'is'", "macro": "{% macro %}", "include": "{% include %}", "extends": "{% extends %}", "import": "{% import %}",
    "fromimport": "{% from %}", "block": "{% block %}", "callblock": "{% call %}", "filterblock": "{% filter %}", "with": "{% with %}",
}  # fmt: skip


def _called(node: nodes.Node) -> str:
    if isinstance(node, nodes.BinExpr | nodes.UnaryExpr):
        return "arithmetic"
    name = type(node).__name__.lower()
    return _CALLED.get(name, f"'{name}'")


def _kind(node: nodes.Node, scope: dict[str, str]) -> str:
    """What an expression gives: a shape, or empty when that cannot be told."""
    if isinstance(node, nodes.Filter):
        return "str"
    if isinstance(node, nodes.Const):
        return type(node.value).__name__
    path = _path(node)
    return _shape_of(path, scope) if path else ""


def _shape_of(path: str, scope: dict[str, str]) -> str:
    head, *rest = path.split(".")
    shape = scope.get(head) or SHAPE[""].get(head, "")
    for part in rest:
        shape = SHAPE.get(shape, {}).get(part, "")
    return shape


def _path(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        inner = _path(node.node)
        return None if inner is None else f"{inner}.{node.attr}"
    return None


def _children(node: nodes.Node) -> Iterator[nodes.Node]:
    """The nodes below, leaving out the inner parts of a dotted name: the whole name was checked at once."""
    if isinstance(node, nodes.Getattr) and _path(node) is not None:
        return
    yield from node.iter_child_nodes()


def placeholders(environment: Environment, text: str) -> frozenset[str]:
    """Return every placeholder a piece of a template uses, loop variables left out."""
    return frozenset(path for path, _ in located(environment, text))


def located(environment: Environment, text: str) -> list[tuple[str, int]]:
    """Return every placeholder a piece of a template uses with its line, from 1, loop variables left out."""
    tree = environment.parse(text)
    loops = {loop.target.name for loop in tree.find_all(nodes.For) if isinstance(loop.target, nodes.Name)}
    found: list[tuple[str, int]] = []

    def walk(node: nodes.Node) -> None:
        if isinstance(node, nodes.Name | nodes.Getattr) and (path := _path(node)) is not None:
            if path.split(".")[0] not in loops:
                found.append((path, node.lineno))
            return
        for child in node.iter_child_nodes():
            walk(child)

    walk(tree)
    return found
