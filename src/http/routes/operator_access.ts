// Who may use the routes for operators: owners with the right `qanat.operate`, or on a port of their own, on loopback,
// any user of this machine. Invariant: without authentication, no client can end the streams of others.
import type { Context, Handler, MiddlewareHandler } from "hono";
import type { AccessControl } from "../../auth/access_control.ts";
import { denial } from "../../auth/denial.ts";
import { problem } from "../transport/problem.ts";
import { type Authenticate, denied } from "./authentication.ts";

/** Scope of a JWT that makes its owner an operator. */
const OPERATE_SCOPE = "qanat.operate";

/** How the routes for operators are protected on one port. */
export interface OperatorAccess {
  /** Runs before a route for operators, and refuses all others. */
  readonly guard: MiddlewareHandler;
  /** The same for routes that show the streams of others and end them. */
  readonly clientsGuard: MiddlewareHandler;
  /** Whether a request, which may have no credential, gets more than yes or no about this instance's health. */
  isOperator(c: Context): Promise<boolean>;
  /** Names the operator of a request that has passed a guard. */
  nameOf(c: Context): string;
}

interface Identification {
  readonly access: AccessControl;
  readonly authenticate: Authenticate;
  /** Whether a request has a credential, valid or not. */
  readonly hasCredential: (c: Context) => boolean;
}

export interface SharedPortOptions extends Identification {
  /** Answers on this port when operators have a port of their own; else null. */
  readonly hidden: Handler | null;
}

export interface OwnPortOptions extends Identification {
  /** Whether only users of this machine can connect to the port. */
  readonly isLoopback: () => boolean;
}

interface OperatorEnv {
  readonly Variables: { operator: string };
}

/** On the port for clients. */
export function sharedPortAccess(
  { access, authenticate, hasCredential, hidden }: SharedPortOptions,
): OperatorAccess {
  const guard = (ofOthers: boolean): MiddlewareHandler => async (c, next) => {
    if (access.isOpen) {
      if (hidden !== null) return hidden(c, next);
      return ofOthers ? needsOperators() : await next();
    }
    if (hidden !== null && !hasCredential(c)) return hidden(c, next);
    const principal = await authenticate(c);
    if (principal instanceof Response) return principal;
    if (principal.grant.isOperator) {
      setName(c, principal.id);
      return await next();
    }
    return hidden === null ? notAllowed(access) : hidden(c, next);
  };
  return {
    guard: guard(false),
    clientsGuard: guard(true),
    nameOf,
    async isOperator(c) {
      // Where operators have a port of their own, there are none on this one.
      if (access.isOpen) return hidden === null;
      if (!hasCredential(c)) return false;
      const principal = await authenticate(c);
      return !(principal instanceof Response) && principal.grant.isOperator;
    },
  };
}

/** On the port for operators: each user of this machine may use it, and from elsewhere owners of the right. */
export function ownPortAccess(
  { isLoopback, ...identification }: OwnPortOptions,
): OperatorAccess {
  const granted = sharedPortAccess({ ...identification, hidden: null });
  const guard: MiddlewareHandler = async (c, next) => {
    if (isLoopback()) {
      setName(c, "operator-port");
      return await next();
    }
    return identification.access.isOpen
      ? needsLoopback()
      : await granted.clientsGuard(c, next);
  };
  return {
    guard,
    clientsGuard: guard,
    nameOf,
    isOperator: async (c) =>
      isLoopback() ||
      !identification.access.isOpen && await granted.isOperator(c),
  };
}

function setName(c: Context, name: string): void {
  (c as Context<OperatorEnv>).set("operator", name);
}

function nameOf(c: Context): string {
  return (c as Context<OperatorEnv>).get("operator");
}

function needsOperators(): Response {
  return problem("for_operators_only", {
    detail:
      "Without authentication, each client could end the streams of others. --operator-port PORT " +
      "(QANAT_OPERATOR_PORT) serves this path to users of this machine; with --auth tokens or --auth jwt, " +
      `owners of the right ${OPERATE_SCOPE} may use it here`,
  });
}

function needsLoopback(): Response {
  return problem("for_operators_only", {
    detail:
      "Without authentication, the port for operators serves users of this machine only: --operator-host " +
      "(QANAT_OPERATOR_HOST) must be an address on loopback; with --auth tokens or --auth jwt, owners of the right " +
      `${OPERATE_SCOPE} may use it from elsewhere`,
  });
}

function notAllowed(access: AccessControl): Response {
  return denied(access.deny(denial(
    "insufficient_scope",
    `This path is for operators: it needs the right ${OPERATE_SCOPE}`,
    OPERATE_SCOPE,
  )));
}
