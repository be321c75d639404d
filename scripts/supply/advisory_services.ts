// Services that know advisories of npm packages: the registry that the packages come from, and OSV.
// Invariant: an answer that is not understood is an error with a reason, never an empty list.
import { isInRange } from "./version_range.ts";
import { purlOf } from "./sbom_document.ts";

/** A package by its exact version. */
export interface Versioned {
  readonly name: string;
  readonly version: string;
}

/** An advisory that affects a package of the list. */
export interface Advisory {
  /** `GHSA-…`; `MAL-…` for a malicious package. */
  readonly id: string;
  readonly package: string;
  readonly version: string;
  readonly severity: string;
  readonly title: string;
}

export interface AdvisoryService {
  /** For people: what was asked. */
  readonly name: string;
  /** Rejects when the service does not answer, or not as documented. */
  ask(packages: readonly Versioned[]): Promise<Advisory[]>;
}

const ANSWER_MS = 20_000;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** npm's bulk endpoint; mirrors pass it on, or do not have it. `registry`: with a slash at its end. */
export function registryService(registry: string): AdvisoryService {
  const url = new URL("-/npm/v1/security/advisories/bulk", registry);
  return {
    name: `the registry (${url.host})`,
    async ask(packages) {
      const versions: Record<string, string[]> = {};
      for (const { name, version } of packages) {
        (versions[name] ??= []).push(version);
      }
      const answer = await json(url, versions) as Record<
        string,
        readonly {
          readonly id: number;
          readonly url: string;
          readonly title: string;
          readonly severity: string;
          readonly vulnerable_versions: string;
        }[]
      >;
      return packages.flatMap(({ name, version }) =>
        (answer[name] ?? [])
          .filter((one) => isInRange(version, one.vulnerable_versions))
          .map((one) => ({
            id: /GHSA-[\w-]+$/.exec(one.url)?.[0] ?? `npm-${one.id}`,
            package: name,
            version,
            severity: one.severity,
            title: one.title,
          }))
      );
    },
  };
}

/** https://google.github.io/osv.dev/api. It also lists malicious packages. */
export function osvService(api: string): AdvisoryService {
  return {
    name: `OSV (${new URL(api).host})`,
    async ask(packages) {
      const queries = packages.map(({ name, version }) => ({
        package: { purl: purlOf(name, version) },
      }));
      const { results } = await json(new URL("v1/querybatch", api), {
        queries,
      }) as {
        results: {
          vulns?: { id: string }[];
          next_page_token?: string;
        }[];
      };
      if (results?.length !== packages.length) {
        throw new Error("not one result for each package");
      }
      const found: Advisory[] = [];
      for (const [i, { vulns = [], next_page_token }] of results.entries()) {
        if (next_page_token) throw new Error("more results than one page has");
        for (const { id } of vulns) {
          const one = await osvAdvisory(api, id, packages[i]!);
          if (one !== null) found.push(one);
        }
      }
      return found;
    },
  };
}

/** Null for one that was withdrawn. */
async function osvAdvisory(
  api: string,
  id: string,
  { name, version }: Versioned,
): Promise<Advisory | null> {
  const path = `v1/vulns/${encodeURIComponent(id)}`;
  const detail = await json(new URL(path, api)) as {
    withdrawn?: string;
    summary?: string;
    database_specific?: { severity?: string };
  };
  if (detail.withdrawn !== undefined) return null;
  return {
    id,
    package: name,
    version,
    severity: detail.database_specific?.severity?.toLowerCase() ?? "unknown",
    title: detail.summary ?? "",
  };
}

/** Asks with POST where there is a body. */
async function json(url: URL, body?: unknown): Promise<object> {
  const response = await fetch(url, {
    ...(body === undefined ? {} : {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const text = await limitedText(response);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("the answer is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("the answer is no object");
  }
  return value;
}

async function limitedText(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > ANSWER_BYTES_MAX) {
      throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    }
  }
  return text + decoder.decode();
}
