// The cost of a token at the opening of a stream: the first time, when its signature is checked, and from then on.
// The goal is at most 1 ms of CPU for a known key. Run `deno task bench --filter jwt`.
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";
import { JwtVerifier } from "../src/auth/jwt/jwt_verifier.ts";

const ISSUER = "https://issuer.example.org";
const AUDIENCE = "https://qanat.example.org";
/** Rounds of a bench, and rounds before it. */
const ROUNDS = { n: 1500, warmup: 300 };

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A verifier that knows one key, and tokens that are signed with it. */
async function world(algorithm: "RS256" | "ES256", count: number) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, {
    extractable: true,
  });
  const keys = [{ ...await exportJWK(publicKey), kid: "1" }];
  const documents: Record<string, unknown> = {
    [`${ISSUER}/.well-known/openid-configuration`]: {
      issuer: ISSUER,
      jwks_uri: `${ISSUER}/keys`,
    },
    [`${ISSUER}/keys`]: { keys },
  };
  const verifier = new JwtVerifier({
    issuers: [ISSUER],
    keyHosts: [],
    audiences: [AUDIENCE],
    toleranceS: 5,
    groupsClaim: "groups",
    addressSharePercent: 90,
    log: silent,
    unixMs: () => Date.now(),
    clockMs: () => performance.now(),
    read: (url) => Promise.resolve(documents[url]),
  });
  await verifier.start();
  // Its timer would keep the bench alive.
  verifier.close();
  const first = await signed(privateKey, algorithm, "owner");
  const others: string[] = [];
  for (let i = 0; i < count; i++) {
    others.push(await signed(privateKey, algorithm, `owner-${i}`));
  }
  return { verifier, first, others };
}

function signed(key: CryptoKey, alg: string, sub: string): Promise<string> {
  return new SignJWT({
    iss: ISSUER,
    aud: AUDIENCE,
    sub,
    scope: "openid arrakis.read:/H1 arrakis.read:/L1",
    groups: Array.from({ length: 20 }, (_, i) => `/laboratory/group-${i}`),
  }).setProtectedHeader({ alg, kid: "1" }).setIssuedAt()
    .setExpirationTime("1h").sign(key);
}

let sink = 0;
for (const algorithm of ["ES256", "RS256"] as const) {
  const { verifier, first, others } = await world(
    algorithm,
    ROUNDS.n + ROUNDS.warmup,
  );
  let at = 0;
  Deno.bench(`jwt ${algorithm}, the first time`, ROUNDS, async () => {
    const outcome = await verifier.verify(others[at++]!, "");
    if ("error" in outcome) throw new Error(outcome.detail);
    sink += outcome.expiresMs;
  });
  await verifier.verify(first, "");
  Deno.bench(`jwt ${algorithm}, remembered`, async () => {
    const outcome = await verifier.verify(first, "");
    if ("error" in outcome) throw new Error(outcome.detail);
    sink += outcome.expiresMs;
  });
}
