#!/usr/bin/env python3
"""YAML of other programs, held against their own schemas, and printed as a JSON list of its documents.

usage: schemas.py kubernetes|compose|github|gitlab FILE

Kubernetes' schemas are those of its API, strict (kubernetes-validate); the others are the published ones that check-jsonschema carries.
"""
import json
import subprocess
import sys

import yaml

KUBERNETES = "1.37"
SCHEMAS = {"compose": "vendor.compose-spec", "github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}

kind, file = sys.argv[1:]
with open(file) as text:
    documents = list(yaml.safe_load_all(text))
if kind == "kubernetes":
    import kubernetes_validate

    for document in documents:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
else:
    checked = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[kind], file]
    done = subprocess.run(checked, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
print(json.dumps(documents))
