// Checks the signature of a JWT, its issuer and its audience, by the package jose.
import { errors, jwtVerify } from "jose";
import { ANY_AUDIENCE } from "../../settings/issuer_readers.ts";
import type { Denial } from "../denial.ts";
import type { IssuerKey } from "./key_set.ts";
import { refused } from "./unverified_token.ts";

/** A token whose signature is right. */
export interface Verified {
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface SignatureOptions {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly toleranceS: number;
  readonly unixMs: number;
}

/** The claims of a token that is signed with a key and meant for one of the audiences, as its issuer wrote them. */
export async function verifySignature(
  token: string,
  { key, algorithm }: IssuerKey,
  { issuer, audiences, toleranceS, unixMs }: SignatureOptions,
): Promise<Verified | Denial> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
      issuer,
      audience: [...audiences, ANY_AUDIENCE],
      clockTolerance: toleranceS,
      currentDate: new Date(unixMs),
      requiredClaims: ["exp", "sub"],
    });
    return { payload };
  } catch (error) {
    return refused(faultOf(error, audiences));
  }
}

function faultOf(error: unknown, audiences: readonly string[]): string {
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return "The token's signature does not match the key of its issuer";
  }
  if (error instanceof errors.JWTExpired) return "The token has expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return claimFault(error, audiences);
  }
  if (error instanceof errors.JOSEError) return "The token is not a valid JWT";
  throw error;
}

function claimFault(
  { claim, reason }: { readonly claim: string; readonly reason: string },
  audiences: readonly string[],
): string {
  if (reason === "missing") return `The token has no claim '${claim}'`;
  if (claim === "aud") {
    // Shown only to those who have a token of a trusted issuer: the signature was right.
    const [audience] = audiences;
    return `The token is meant for another audience: its claim 'aud' names none that --auth-audience has, such as '${audience}', and not ${ANY_AUDIENCE}`;
  }
  return `The token's claim '${claim}' is not accepted`;
}
