// Checks the times of a token before its signature: `exp`, `nbf`, `iat`, Unix seconds. Pure functions.

/** What is wrong with the times of a token; null where nothing is. `toleranceS`: by how much clocks may differ. */
export function timeFault(
  { exp, nbf, iat }: Readonly<Record<string, unknown>>,
  unixMs: number,
  toleranceS: number,
): string | null {
  const nowS = unixMs / 1000;
  if (!isTime(exp)) {
    return exp === undefined
      ? "The token has no time at which it expires ('exp')"
      : notATime("exp");
  }
  if (nbf !== undefined && !isTime(nbf)) return notATime("nbf");
  if (iat !== undefined && !isTime(iat)) return notATime("iat");
  if (nowS >= exp + toleranceS) {
    return `The token has expired ${seconds(nowS - exp)} ago`;
  }
  if (nbf !== undefined && nbf > nowS + toleranceS) {
    return `The token is not valid before ${seconds(nbf - nowS)} from now`;
  }
  if (iat !== undefined && iat > nowS + toleranceS) {
    return `The token was issued ${
      seconds(iat - nowS)
    } from now: compare the clocks of its issuer and of this machine`;
  }
  return null;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function notATime(claim: string): string {
  return `The token's claim '${claim}' is not a number of Unix seconds`;
}

function seconds(s: number): string {
  return `${Math.ceil(s)} s`;
}
