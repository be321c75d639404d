// deploy/helm/qanat, the Helm chart, by Helm itself: linted, rendered, and held against the schemas of Kubernetes and
// against deploy/kubernetes.yaml.
// Invariant: the chart with the settings of deploy/kubernetes.yaml deploys what that file deploys.
import assert from "node:assert/strict";
import { before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { parseConfig } from "../../src/config.ts";
import { PARTS, Process } from "./chain.ts";

const ROOT = new URL("../../", import.meta.url);
const CHART = "deploy/helm/qanat";
const NAMESPACE = "fields";
const KUBERNETES_VERSIONS = ["1.30", "1.34"];
const runnable = canRun([PARTS.helm, PARTS.kubernetes]);

// deno-lint-ignore no-explicit-any -- the schemas of Kubernetes say what they are
type Documents = Record<string, any>;

/** A cluster's values: those of deploy/kubernetes.yaml. */
const VALUES = {
  image: { repository: "registry.example.org/qanat" },
  settings: {
    QANAT_KAFKA: "kafka-0.kafka:9092,kafka-1.kafka:9092,kafka-2.kafka:9092",
    QANAT_TRUSTED_PROXIES: "10.0.0.0/8",
    QANAT_ALLOWED_HOSTS: "qanat.example.org,*.svc,*.svc.cluster.local",
  },
};
/** All that is off by default. */
const MORE_VALUES = {
  image: {
    repository: "registry.example.org/qanat",
    tag: "main",
    pullPolicy: "Always",
  },
  imagePullSecrets: [{ name: "registry" }],
  replicas: 3,
  settings: {
    QANAT_UPSTREAM: "https://qanat.example.org",
    QANAT_BASE_PATH: "/far",
    QANAT_WORKERS: 4,
    QANAT_CLIENTS_MAX: 1_000_000,
    QANAT_RETENTION_MB: 4096,
    QANAT_AUTH: "tokens",
    QANAT_AUTH_TOKEN_FILE: "/etc/qanat/tokens.json",
  },
  settingsSecret: "upstream",
  filesSecret: "qanat-tokens",
  serveBeforeStopS: 20,
  service: { type: "LoadBalancer", port: 8080, annotations: { a: "b" } },
  ingress: {
    enabled: true,
    className: "nginx",
    annotations: { "nginx.ingress.kubernetes.io/proxy-buffering": "off" },
    host: "far.example.org",
    tlsSecret: "far-tls",
  },
  podMonitor: { enabled: true, tokenSecret: { name: "probe", key: "token" } },
  scrapeAnnotations: false,
  resources: { limits: { memory: "8Gi" } },
  notsentLowat: false,
  podAnnotations: { note: "x" },
  nodeSelector: { zone: "a" },
  tolerations: [{ key: "streams", operator: "Exists" }],
  affinity: { nodeAffinity: {} },
};

/** Runs Helm with values, which it reads as a file. */
async function helm(
  command: "lint" | "template",
  values: unknown,
): Promise<{ code: number; text: string; log: string }> {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(values));
    const args = [command, CHART, file, NAMESPACE];
    const process = new Process("helm", PARTS.helm.program!, args);
    const code = await process.ends();
    return { code, text: process.output, log: process.log };
  } finally {
    await Deno.remove(file);
  }
}

/** The documents of some YAML by kind, each checked against Kubernetes' schemas; those of other makers are not. */
async function documentsOf(yaml: string): Promise<Documents> {
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(file, yaml);
    const process = new Process("manifests.py", PARTS.kubernetes.program!, [
      "test/integration/python/manifests.py",
      file,
      ...KUBERNETES_VERSIONS,
    ]);
    assert.equal(await process.ends(), 0, process.log);
    return Object.fromEntries(
      process.output.trim().split("\n").map((line) => {
        const document = JSON.parse(line);
        return [document.kind, document];
      }),
    );
  } finally {
    await Deno.remove(file);
  }
}

async function rendered(values: unknown): Promise<Documents> {
  const { code, text, log } = await helm("template", values);
  assert.equal(code, 0, log);
  return await documentsOf(text);
}

describe("deploy/helm/qanat", { ignore: !runnable, skip: !runnable }, () => {
  let chart: Documents;
  let file: Documents;

  before(async () => {
    chart = await rendered(VALUES);
    file = await documentsOf(
      await Deno.readTextFile(new URL("deploy/kubernetes.yaml", ROOT)),
    );
  });

  it("has no fault that Helm's lint finds, with any values", async () => {
    for (const values of [VALUES, MORE_VALUES]) {
      const { code, log } = await helm("lint", values);
      assert.equal(code, 0, log);
    }
  });

  it("deploys what deploy/kubernetes.yaml does", () => {
    assert.deepEqual(Object.keys(chart).sort(), Object.keys(file).sort());
    const podOf = (documents: Documents) => {
      const pod = structuredClone(documents.Deployment.spec.template.spec);
      // Labels differ: those of the chart have the release.
      delete pod.topologySpreadConstraints[0].labelSelector;
      const [container] = pod.containers;
      delete container.image;
      delete container.imagePullPolicy;
      delete container.resources;
      for (const probe of ["startup", "liveness", "readiness"]) {
        delete container[`${probe}Probe`].httpGet.scheme;
      }
      // There, a Secret that may be missing; the chart takes its name.
      delete container.volumeMounts;
      delete pod.volumes;
      return pod;
    };
    assert.deepEqual(podOf(chart), podOf(file));
    const { QANAT_ALLOWED_HOSTS: hosts, ...settings } = chart.ConfigMap.data;
    const { QANAT_ALLOWED_HOSTS: _, ...others } = file.ConfigMap.data;
    assert.deepEqual(settings, others);
    assert.equal(
      hosts,
      "qanat,qanat.fields,qanat.fields.svc,qanat.fields.svc.cluster.local," +
        VALUES.settings.QANAT_ALLOWED_HOSTS,
    );
    assert.deepEqual(chart.Service.spec.ports, file.Service.spec.ports);
  });

  it("asks for the memory of its settings, a core for each worker, and the image of its version", async () => {
    const { version } = JSON.parse(
      await Deno.readTextFile(new URL("deno.json", ROOT)),
    );
    const [container] = chart.Deployment.spec.template.spec.containers;
    assert.equal(container.image, `registry.example.org/qanat:${version}`);
    const memory = 256 + 512 + Math.ceil(4000 * 30 / 1024) + 200;
    assert.deepEqual(container.resources, {
      requests: { cpu: "1", memory: `${memory}Mi` },
      limits: { memory: `${memory + 700}Mi` },
    });
    const { resources: _, ...values } = MORE_VALUES;
    const more = await rendered(values);
    const asked = more.Deployment.spec.template.spec.containers[0].resources;
    assert.equal(asked.requests.cpu, "4");
    assert.equal(
      asked.requests.memory,
      `${4096 + 512 + Math.ceil(1e6 * 30 / 1024) + 200 + 3 * 32}Mi`,
    );
  });

  it("has all that is off by default, and settings that Qanat takes", async () => {
    const more = await rendered(MORE_VALUES);
    assert.deepEqual(Object.keys(more).sort(), [
      "ConfigMap",
      "Deployment",
      "Ingress",
      "PodDisruptionBudget",
      "PodMonitor",
      "Service",
    ]);
    for (const { ConfigMap: { data } } of [chart, more]) {
      const parsed = parseConfig([], data);
      assert.equal(parsed.kind, "config", JSON.stringify(parsed));
    }
    assert.equal(more.ConfigMap.data.QANAT_CLIENTS_MAX, "1000000");
    const pod = more.Deployment.spec.template.spec;
    assert.ok(pod.terminationGracePeriodSeconds >= 20 + 15 + 15);
    assert.equal(pod.securityContext.sysctls, undefined);
    const [container] = pod.containers;
    assert.equal(container.readinessProbe.httpGet.path, "/far/readyz");
    assert.deepEqual(pod.volumes, [
      { name: "files", secret: { secretName: "qanat-tokens" } },
    ]);
    assert.deepEqual(
      container.envFrom.map((from: Documents) => from.secretRef).at(-1),
      { name: "upstream", optional: false },
    );
    assert.match(more.ConfigMap.data.QANAT_ALLOWED_HOSTS, /far\.example\.org/);
  });

  it("names a value that is wrong, and one that is missing", async () => {
    for (
      const [values, named] of [
        [{}, /image\.repository: where you keep/],
        [{ ...VALUES, replica: 2 }, /replica/],
        [{ ...VALUES, replicas: "two" }, /replicas/],
        [{ ...VALUES, settings: { RETENTION: "1" } }, /RETENTION/],
        [{ ...VALUES, settings: { QANAT_KAFKA_PASSWORD: "x" } }, /PASSWORD/],
        [{ ...VALUES, ingress: { enabled: true } }, /ingress\.host/],
      ] as const
    ) {
      const { code, log } = await helm("template", values);
      assert.notEqual(code, 0);
      assert.match(log, named);
    }
  });
});
