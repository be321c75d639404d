// deploy/: the Kubernetes manifests, the alert rules and the dashboard, each held against what will read it.
// Invariant: what they name (settings, paths, metrics) is there in the Qanat of this commit.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { parseConfig } from "../../src/config.ts";
import { launchQanat, PARTS, Process } from "./chain.ts";

const ROOT = new URL("../../", import.meta.url);
/** Versions of Kubernetes that are kept up, and the oldest that has all that is used. */
const KUBERNETES_VERSIONS = ["1.30", "1.34"];
/** main.ts gives a stop that long. */
const STOP_S = 5;

// deno-lint-ignore no-explicit-any -- documents of somebody else's shape; each use asserts what it reads
type Document = any;

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

const hasKubernetes = canRun([PARTS.kubernetes]);

describe("deploy/kubernetes.yaml", {
  ignore: !hasKubernetes,
  skip: !hasKubernetes,
}, () => {
  let documents: Map<string, Document>;
  let pod: Document;
  let container: Document;

  before(async () => {
    const process = new Process("manifests.py", PARTS.kubernetes.program!, [
      "test/integration/python/manifests.py",
      "deploy/kubernetes.yaml",
      ...KUBERNETES_VERSIONS,
    ]);
    assert.equal(await process.ends(), 0, process.log);
    documents = new Map(
      process.output.trim().split("\n").map((line) => {
        const document = JSON.parse(line);
        return [document.kind as string, document];
      }),
    );
    pod = documents.get("Deployment").spec.template.spec;
    container = pod.containers[0];
  });

  it("is valid by Kubernetes' schemas, and has what a service needs", () => {
    assert.deepEqual([...documents.keys()], [
      "ConfigMap",
      "Deployment",
      "Service",
      "PodDisruptionBudget",
    ]);
  });

  it("has settings that Qanat takes", () => {
    const { data } = documents.get("ConfigMap");
    const known = parseConfig(["--help"], {});
    assert.ok(known.kind === "help");
    for (const name of Object.keys(data)) {
      assert.match(known.text, new RegExp(`^\\s+${name}$`, "m"));
    }
    const parsed = parseConfig([], data);
    assert.equal(parsed.kind, "config", JSON.stringify(parsed));
    assert.ok(container.envFrom[0].configMapRef.name === "qanat");
  });

  it("gives a stop the time that the longest download and the drain need", () => {
    const [program, seconds] = container.lifecycle.preStop.exec.command;
    assert.equal(program, "sleep");
    assert.ok(
      pod.terminationGracePeriodSeconds >= Number(seconds) + STOP_S,
      "SIGKILL would come before Qanat has ended",
    );
  });

  it("asks the health paths, and sends requests to the port that is served", () => {
    const port = container.ports[0];
    for (
      const [probe, path] of [
        ["startupProbe", "/healthz"],
        ["livenessProbe", "/healthz"],
        ["readinessProbe", "/readyz"],
      ]
    ) {
      assert.deepEqual(container[probe!].httpGet, { path, port: port.name });
    }
    assert.equal(documents.get("Service").spec.ports[0].targetPort, port.name);
    assert.equal(port.containerPort, 8080);
    assert.match(read("Dockerfile"), /QANAT_PORT=8080/);
  });

  it("selects its own pods, everywhere by the same labels", () => {
    const { labels } = documents.get("Deployment").spec.template.metadata;
    const { spec } = documents.get("Deployment");
    assert.deepEqual(spec.selector.matchLabels, labels);
    assert.deepEqual(documents.get("Service").spec.selector, labels);
    const budget = documents.get("PodDisruptionBudget");
    assert.deepEqual(budget.spec.selector.matchLabels, labels);
    assert.ok(budget.spec.maxUnavailable < spec.replicas);
  });

  it("has room for the ring and the slab that its settings ask for", () => {
    const { data } = documents.get("ConfigMap");
    const claimed = Number(data.QANAT_RETENTION_MB) +
      Number(data.QANAT_SLAB_MB) + Number(data.QANAT_CLIENTS_MAX) * 0.03;
    const { requests, limits } = container.resources;
    assert.ok(parseInt(requests.memory) > claimed);
    assert.ok(parseInt(limits.memory) > parseInt(requests.memory));
    assert.equal(limits.cpu, undefined);
  });

  it("runs without rights, and tells the kernel to show a slow client", () => {
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(pod.securityContext.sysctls, [
      { name: "net.ipv4.tcp_notsent_lowat", value: "65536" },
    ]);
    assert.equal(container.securityContext.readOnlyRootFilesystem, true);
    assert.deepEqual(container.securityContext.capabilities.drop, ["ALL"]);
  });
});
