#!/usr/bin/env python3
"""PromQL, read by a parser that is not hookgate's own.

Standard input is a JSON list of queries; standard output one of what each asks for: {"selectors": [{"name", "labels": [[name, op, value]]}],
"by": [label]}. A query that is none ends it with the parser's own words.
"""
import json
import sys

import promql_parser as promql


def walk(node, found):
    if isinstance(node, promql.MatrixSelector):
        return walk(node.vector_selector, found)
    if isinstance(node, promql.VectorSelector):
        labels = [[one.name, str(one.op), one.value] for one in node.matchers.matchers]
        found["selectors"].append({"name": node.name, "labels": labels})
        return found
    if isinstance(node, promql.AggregateExpr) and node.modifier:
        found["by"] += node.modifier.labels
    inner = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "param")] + list(getattr(node, "args", None) or [])
    for one in inner:
        if one is not None:
            walk(one, found)
    return found


print(json.dumps([walk(promql.parse(query), {"selectors": [], "by": []}) for query in json.load(sys.stdin)]))
