# Reads the documents of a YAML file, checks each against Kubernetes' own schemas, and prints them as JSON lines.
# Kinds that others add to Kubernetes have no schema here; they are printed only.
# Usage: manifests.py FILE VERSION…
import json
import sys

import kubernetes_validate
import yaml

with open(sys.argv[1]) as file:
    documents = list(yaml.safe_load_all(file))
OTHERS = ("monitoring.coreos.com/",)
for document in filter(None, documents):
    for version in sys.argv[2:]:
        if not document["apiVersion"].startswith(OTHERS):
            kubernetes_validate.validate(document, version, strict=True)
    print(json.dumps(document))
