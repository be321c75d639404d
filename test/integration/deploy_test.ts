// deploy/: the Kubernetes manifests, the alert rules and the dashboard, each held against what will read it.
// Invariant: what they name (settings, paths, metrics) is there in the Qanat of this commit.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { parseConfig } from "../../src/config.ts";
import { promtoolTests, TESTED_ALERTS } from "./alert_cases.ts";
import { launchQanat, PARTS, Process } from "./chain.ts";

const ROOT = new URL("../../", import.meta.url);
/** Versions of Kubernetes that are kept up, and the oldest that has all that is used. */
const KUBERNETES_VERSIONS = ["1.30", "1.34"];
/** The supervisor gives a stop that long. */
const STOP_S = 5;

/** What is read of the manifests; whether the rest is right, the schemas say. */
interface Probed {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly ports: { readonly name: string; readonly containerPort: number }[];
  readonly envFrom: { readonly configMapRef?: { readonly name: string } }[];
  readonly startupProbe: Probed;
  readonly livenessProbe: Probed;
  readonly readinessProbe: Probed;
  readonly lifecycle: { preStop: { exec: { command: string[] } } };
  readonly resources: Record<
    "requests" | "limits",
    { readonly cpu?: string; readonly memory: string }
  >;
  readonly securityContext: {
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: string[] };
  };
}
interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly enableServiceLinks?: boolean;
  readonly containers: Container[];
  readonly securityContext: {
    readonly runAsNonRoot: boolean;
    readonly sysctls: { readonly name: string; readonly value: string }[];
  };
}
type Labels = Record<string, string>;
interface Manifests {
  ConfigMap: { data: Record<string, string> };
  Deployment: {
    spec: {
      replicas: number;
      selector: { matchLabels: Labels };
      template: { metadata: { labels: Labels }; spec: Pod };
    };
  };
  Service: { spec: { selector: Labels; ports: { targetPort: string }[] } };
  PodDisruptionBudget: {
    spec: { maxUnavailable: number; selector: { matchLabels: Labels } };
  };
}

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

const hasKubernetes = canRun([PARTS.kubernetes]);

describe("deploy/kubernetes.yaml", {
  ignore: !hasKubernetes,
  skip: !hasKubernetes,
}, () => {
  let manifests: Manifests;
  let pod: Pod;
  let container: Container;

  before(async () => {
    const process = new Process("manifests.py", PARTS.kubernetes.program!, [
      "test/integration/python/manifests.py",
      "deploy/kubernetes.yaml",
      ...KUBERNETES_VERSIONS,
    ]);
    assert.equal(await process.ends(), 0, process.log);
    const documents = process.output.trim().split("\n").map((line) =>
      JSON.parse(line) as { kind: string }
    );
    manifests = Object.fromEntries(
      documents.map((document) => [document.kind, document]),
    ) as unknown as Manifests;
    pod = manifests.Deployment.spec.template.spec;
    container = pod.containers[0]!;
  });

  it("is valid by Kubernetes' schemas, and has what a service needs", () => {
    assert.deepEqual(Object.keys(manifests), [
      "ConfigMap",
      "Deployment",
      "Service",
      "PodDisruptionBudget",
    ]);
  });

  it("has settings that Qanat takes", () => {
    const { data } = manifests.ConfigMap;
    const known = parseConfig(["--help"], {});
    assert.ok(known.kind === "text");
    for (const name of Object.keys(data)) {
      assert.match(known.text, new RegExp(`^\\s+${name}$`, "m"));
    }
    const parsed = parseConfig([], data);
    assert.equal(parsed.kind, "config", JSON.stringify(parsed));
    assert.ok(container.envFrom[0]?.configMapRef?.name === "qanat");
  });

  it("gets no variables of a Service called qanat", () => {
    assert.equal(pod.enableServiceLinks, false);
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
    const port = container.ports[0]!;
    for (
      const [probe, path] of [
        ["startupProbe", "/healthz"],
        ["livenessProbe", "/healthz"],
        ["readinessProbe", "/readyz"],
      ] as const
    ) {
      assert.deepEqual(container[probe].httpGet, { path, port: port.name });
    }
    assert.equal(manifests.Service.spec.ports[0]?.targetPort, port.name);
    assert.equal(port.containerPort, 8080);
    assert.match(read("Dockerfile"), /QANAT_PORT=8080/);
  });

  it("selects its own pods, everywhere by the same labels", () => {
    const { labels } = manifests.Deployment.spec.template.metadata;
    const { spec } = manifests.Deployment;
    assert.deepEqual(spec.selector.matchLabels, labels);
    assert.deepEqual(manifests.Service.spec.selector, labels);
    const budget = manifests.PodDisruptionBudget;
    assert.deepEqual(budget.spec.selector.matchLabels, labels);
    assert.ok(budget.spec.maxUnavailable < spec.replicas);
  });

  it("has room for the ring and the slab that its settings ask for", () => {
    const { data } = manifests.ConfigMap;
    const claimed = Number(data.QANAT_RETENTION_MB) +
      Number(data.QANAT_SLAB_MB) + Number(data.QANAT_CLIENTS_MAX) * 0.03;
    const { requests, limits } = container.resources;
    assert.ok(parseInt(requests.memory) > claimed);
    assert.ok(parseInt(limits.memory) > parseInt(requests.memory));
    assert.equal(limits.cpu, undefined);
  });

  it("runs without rights, and makes the kernel show a slow client", () => {
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(pod.securityContext.sysctls, [
      { name: "net.ipv4.tcp_notsent_lowat", value: "65536" },
    ]);
    assert.equal(container.securityContext.readOnlyRootFilesystem, true);
    assert.deepEqual(container.securityContext.capabilities.drop, ["ALL"]);
  });
});

const hasPromtool = canRun([PARTS.promtool]);

describe("deploy/prometheus/alerts.yaml", {
  ignore: !hasPromtool,
  skip: !hasPromtool,
}, () => {
  const path = new URL("deploy/prometheus/alerts.yaml", ROOT).pathname;

  async function promtool(...args: string[]): Promise<string> {
    const process = new Process("promtool", PARTS.promtool.program!, args);
    assert.equal(await process.ends(), 0, process.log);
    return process.log;
  }

  it("has a scrape configuration that is valid, in each of its three cases", async () => {
    const config = "deploy/prometheus/prometheus.yaml";
    const text = read(config);
    // Without the comments, one job after another is the one that is in use.
    const jobs = text.slice(text.indexOf("scrape_configs:"))
      .replace(/^ {2}# {1}(?=[- ] )/gm, "  ").split(/(?= {2}- job_name)/);
    assert.equal(jobs.length, 4);
    const head = text.slice(0, text.indexOf("scrape_configs:"));
    for (const job of jobs.slice(1)) {
      const file = await Deno.makeTempFile({ suffix: ".yaml" });
      await Deno.writeTextFile(
        file,
        head.replace("alerts.yaml", `${Deno.cwd()}/${path}`) +
          `scrape_configs:\n${job}`,
      );
      const said = await promtool("check", "config", "--syntax-only", file);
      assert.match(said, /SUCCESS/);
      await Deno.remove(file);
    }
  });

  it("is valid, and every alert has a case", async () => {
    const said = await promtool("check", "rules", path);
    const alerts = [
      ...read("deploy/prometheus/alerts.yaml")
        .matchAll(/^ +- alert: (\w+)$/gm),
    ].map((match) => match[1]);
    assert.match(said, new RegExp(`SUCCESS: ${alerts.length} rules found`));
    assert.deepEqual(alerts, TESTED_ALERTS);
  });

  it("fires for its own problem only, and not while all is well", async () => {
    const file = await Deno.makeTempFile({ suffix: ".json" });
    try {
      const rules = read("deploy/prometheus/alerts.yaml");
      await Deno.writeTextFile(file, promtoolTests(path, rules));
      assert.match(await promtool("test", "rules", file), /SUCCESS/);
    } finally {
      await Deno.remove(file);
    }
  });
});

/** A dashboard as Grafana takes it. */
interface Dashboard {
  readonly uid: string;
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { h: number; w: number; x: number; y: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

describe("deploy/grafana/qanat.json", () => {
  const dashboard = JSON.parse(read("deploy/grafana/qanat.json")) as Dashboard;

  it("has panels with ids of their own, side by side within Grafana's 24 columns", () => {
    const { panels } = dashboard;
    assert.equal(new Set(panels.map((p) => p.id)).size, panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos: { x, y, w, h } } of panels) {
      assert.ok(x + w <= 24, title);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          const place = `${column},${line}`;
          assert.ok(!taken.has(place), `${title} lies over another`);
          taken.add(place);
        }
      }
    }
  });

  it("has queries that Prometheus can read", {
    ignore: !hasPromtool,
    skip: !hasPromtool,
  }, async () => {
    const rules = dashboard.panels.flatMap(({ id, targets }) =>
      (targets ?? []).map(({ expr }, i) => ({
        record: `panel${id}:query${i}`,
        expr: expr.replaceAll("$__rate_interval", "5m")
          .replaceAll("$instance", ".*"),
      }))
    );
    assert.ok(rules.length > 40);
    const file = await Deno.makeTempFile({ suffix: ".json" });
    try {
      const groups = [{ name: "dashboard", rules }];
      await Deno.writeTextFile(file, JSON.stringify({ groups }));
      const process = new Process("promtool", PARTS.promtool.program!, [
        "check",
        "rules",
        file,
      ]);
      assert.equal(await process.ends(), 0, process.log);
    } finally {
      await Deno.remove(file);
    }
  });
});

describe("metrics that are named", () => {
  let qanat: Process;
  let served: Set<string>;

  before(async () => {
    // Of several workers, which have a few more.
    const launched = launchQanat(["--workers=2"]);
    qanat = launched.qanat;
    await qanat.answers(`${launched.url}/readyz`);
    const response = await fetch(`${launched.url}/metrics`);
    served = new Set();
    for (
      const [, name, type] of (await response.text())
        .matchAll(/^# TYPE (\w+) (\w+)$/gm)
    ) {
      served.add(name!);
      if (type !== "histogram") continue;
      for (const part of ["bucket", "sum", "count"]) {
        served.add(`${name}_${part}`);
      }
    }
  });
  after(() => qanat?.stop());

  it("of authentication, TLS and the usage log all have a panel", () => {
    const shown = new Set(
      read("deploy/grafana/qanat.json").match(/\bqanat_[a-z][a-z0-9_]*/g),
    );
    const wanted = [...served].filter((name) =>
      /^qanat_(auth|tls|usage_log|settled_answers)_/.test(name)
    );
    assert.ok(wanted.length > 20);
    assert.deepEqual(wanted.filter((name) => !shown.has(name)), []);
  });

  for (
    const file of [
      "deploy/grafana/qanat.json",
      "deploy/prometheus/alerts.yaml",
      "docs/operating.md",
      "docs/deployment.md",
    ]
  ) {
    it(`of ${file} are on /metrics`, () => {
      // Documents also name those of a process that Qanat does not have.
      const pattern = file.startsWith("docs/")
        ? /\bqanat_[a-z][a-z0-9_]*/g
        : /\b(?:qanat|process)_[a-z][a-z0-9_]*/g;
      const names = new Set(read(file).match(pattern));
      assert.ok(names.size > 0 || file.startsWith("docs/"));
      for (const name of names) {
        assert.ok(served.has(name), name);
      }
    });
  }
});

/** Flags of Deno itself and of docker that these documents explain. */
const OTHER_FLAGS = [
  "--frozen",
  "--cached-only",
  "--allow-net",
  "--target",
  "--build-arg",
];
/** Flags of tasks other than `start`. */
const TASK_FLAGS = ["--may-be-unreachable", "--target"];

describe("settings that are named", () => {
  for (const file of ["docs/operating.md", "docs/deployment.md"]) {
    it(`of ${file} are Qanat's`, () => {
      const help = parseConfig(["--help"], {});
      assert.ok(help.kind === "text");
      const flags = [...read(file).matchAll(/`(--[a-z][a-z-]+)/g)];
      assert.ok(flags.length > 0);
      for (const [, flag] of flags) {
        if ([...OTHER_FLAGS, ...TASK_FLAGS].includes(flag!)) continue;
        assert.match(help.text, new RegExp(`^\\s+${flag}\\s`, "m"), flag);
      }
    });
  }
});

it("docs/deployment.md has every alert with its severity", () => {
  const text = read("docs/deployment.md");
  const alerts = read("deploy/prometheus/alerts.yaml")
    .matchAll(/- alert: (\w+)[\s\S]*?severity: (\w+)/g);
  for (const [, alert, severity] of alerts) {
    assert.match(text, new RegExp(`\\| \`${alert}\` +\\| ${severity} +\\|`));
  }
});
