# Reads the documents of a YAML file, checks each against Kubernetes' own schemas, and prints them as JSON lines.
# Usage: manifests.py FILE VERSION…
import json
import sys

import kubernetes_validate
import yaml

with open(sys.argv[1]) as file:
    documents = list(yaml.safe_load_all(file))
for document in documents:
    for version in sys.argv[2:]:
        kubernetes_validate.validate(document, version, strict=True)
    print(json.dumps(document))
