// Scopes of SciTokens, such as `arrakis.read:/H1_CAL`, read exactly as the Python package scitokens 1.9.7 reads them, which
// arrakis-server uses (scitokens/scitokens.py: Enforcer; scitokens/urltools.py). Pure functions.

/** A scope that is understood. */
export interface ScopePath {
  /** What is allowed: `arrakis.read`. */
  readonly action: string;
  /** Begins with a slash; has no empty segment, `.` or `..`. It ends with a slash only where the scope's path does. */
  readonly path: string;
}

/** Actions that name nothing without a path. */
const NEEDS_PATH = ["read", "write"];
/** Characters whose code stays as it is: `%2f` is no separator. */
const STAY_ENCODED = "/?+#";

/**
 * The scopes of a token up to the first one that is not understood. That one and all after it grant nothing, because
 * scitokens reads scopes in their order and refuses the token when it comes to such a one.
 */
export function scopePaths(scopes: readonly string[]): readonly ScopePath[] {
  const paths: ScopePath[] = [];
  for (const scope of scopes) {
    const path = scopePath(scope);
    if (path === null) break;
    paths.push(path);
  }
  return paths;
}

/** A scope; null where its path is missing, is not absolute, or has a step up. */
export function scopePath(scope: string): ScopePath | null {
  const colon = scope.indexOf(":");
  if (colon < 0) {
    return NEEDS_PATH.includes(scope) ? null : { action: scope, path: "/" };
  }
  const path = scope.slice(colon + 1);
  if (!path.startsWith("/")) return null;
  if (path.split("/").some((segment) => isStepUp(segment))) return null;
  return { action: scope.slice(0, colon), path: normalized(path) };
}

/** Whether a segment is `..`, also when its dots are encoded. */
function isStepUp(segment: string): boolean {
  const lowerCase = segment.replace(
    /%[0-9a-f]{2}/gi,
    (code) => code.toLowerCase(),
  );
  return decoded(lowerCase) === "..";
}

/** Without empty segments and `.`. */
function normalized(path: string): string {
  const segments = decoded(path).split("/")
    .filter((segment) => segment !== "" && segment !== ".");
  if (segments.length === 0) return "/";
  return `/${segments.join("/")}${path.endsWith("/") ? "/" : ""}`;
}

/** Each code is one character from U+0000 to U+00FF. Codes in capitals stay, as scitokens leaves them. */
function decoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/g, (code, digits: string) => {
    const character = String.fromCharCode(parseInt(digits, 16));
    return STAY_ENCODED.includes(character) ? code : character;
  });
}
