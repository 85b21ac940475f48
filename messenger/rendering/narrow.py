"""A second wall: a sandbox that makes code only of what texts have need of, whoever looked at the text before.

The allow-list tells authors what is wrong, with its line. This one is for the day on which the allow-list has a hole:
nothing is folded while compiling, and a tree with anything else in it is not compiled at all.
"""

from __future__ import annotations

from typing import Any, Final

from jinja2 import TemplateAssertionError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Name, nodes.Getattr, nodes.Filter, nodes.Const,
    nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.Keyword,
)  # fmt: skip
"""What a text consists of."""
DEEPEST_LOOP: Final = 2
COUNTED: Final = "counted_"
"""The filter that counts; templates have no use for it."""
MOST_PARTS: Final = 2000
"""Nodes of a tree: the longest of ours has 85."""


class Narrow(ImmutableSandboxedEnvironment):
    """The sandbox; give it ``optimized=False``."""

    def _generate(self, source: nodes.Template, *rest: Any, **more: Any) -> str:  # Any: passed on as jinja2 gave it
        _refuse(source)
        _count(source)
        return super()._generate(source, *rest, **more)


def _count(tree: nodes.Template) -> None:
    """Have what a loop within a loop goes through counted; loops that stand alone stay as they are, and as fast."""
    for outer in tree.find_all(nodes.For):
        for inner in outer.find_all(nodes.For):
            parts = nodes.Const(sum(1 for _ in inner.find_all(nodes.Node)))
            inner.iter = nodes.Filter(inner.iter, COUNTED, [parts], [], None, None, lineno=inner.lineno)


def _refuse(tree: nodes.Node) -> None:
    """Raise when a tree holds anything that texts have no need of."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    parts = 0
    while waiting:
        node, loops = waiting.pop()
        parts += 1
        if isinstance(node, nodes.For):
            loops += 1
        if (problem := _problem(node, loops)) or parts > MOST_PARTS:
            raise TemplateAssertionError(problem or "is made of too many parts", node.lineno or 1)
        waiting += [(child, loops) for child in node.iter_child_nodes()]


def _problem(node: nodes.Node, loops: int) -> str:
    """What is wrong with one node; empty when nothing is."""
    if not isinstance(node, ALLOWED):
        return f"{type(node).__name__.lower()} is not allowed in texts"
    name = node.attr if isinstance(node, nodes.Getattr) else node.name if isinstance(node, nodes.Name) else ""
    if name.startswith("_") or name.endswith("_"):
        return f"there is no {name}"
    if loops > DEEPEST_LOOP or (isinstance(node, nodes.For) and node.recursive):
        return "loops stand at most two deep"
    return ""
