// The answer to a request that no route takes: 405 where the path is known with other methods, else 404.
import type { Hono, NotFoundHandler } from "hono";
import { problem, quoted } from "../transport/problem.ts";

/** A path's pattern, and the methods that it takes as the `allow` header lists them. */
type Methods = readonly [pattern: RegExp, allowed: string];

/** The answer for a path, without the base path, of which no route is known. */
export function nothingAt(path: string, basePath: string): Response {
  return problem("unknown_path", {
    detail: `There is nothing at ${
      quoted(path)
    }; '${basePath}/' lists what there is`,
  });
}

/** Answers what none of `routes` takes; they lie below `basePath`. */
export function unknownPath(routes: Hono, basePath: string): NotFoundHandler {
  const methods = methodsOf(routes);
  return (c) => {
    const { pathname } = new URL(c.req.url);
    const isBelow = pathname.startsWith(basePath + "/");
    const path = isBelow ? pathname.slice(basePath.length) : pathname;
    const known = isBelow &&
      methods.find(([pattern]) => pattern.test(path));
    if (!known) return nothingAt(path, basePath);
    const [, allowed] = known;
    return problem("wrong_method", {
      detail: `'${path}' does not take ${c.req.method}; it takes ${allowed}`,
    }, { allow: allowed });
  };
}

function methodsOf(routes: Hono): Methods[] {
  const found = new Map<string, Set<string>>();
  for (const { path, method } of routes.routes) {
    if (method === "ALL") continue; // middleware
    const methods = found.get(path) ?? new Set();
    if (method === "GET") methods.add("GET").add("HEAD");
    found.set(path, methods.add(method));
  }
  return [...found].map(([path, methods]) => {
    const pattern = path.replaceAll(".", "\\.").replace(/:\w+/g, "[^/]+");
    return [new RegExp(`^${pattern}$`), [...methods, "OPTIONS"].join(", ")];
  });
}
