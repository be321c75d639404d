// Answers calls: finds out who sends one and what it asks for, and hands it to the part that answers.
// Invariant: every call ends with a status; no credential is logged or put into an answer.
import { Catalog } from "../channels/catalog.ts";
import type { Need } from "../auth/access_control.ts";
import type { Denial } from "../auth/denial.ts";
import type { Principal } from "../auth/principal.ts";
import { flightInfo } from "./flight_info.ts";
import { type Command, readCommand } from "./command.ts";
import type { FlightCall } from "./flight_call.ts";
import { FlightError } from "./flight_error.ts";
import { FLIGHT_METHODS, type FlightMethod } from "./flight_figures.ts";
import { actionResult, actionTypes, OPEN_ACTIONS } from "./flight_actions.ts";
import { openStream } from "./flight_streams.ts";
import { FlightTables } from "./flight_tables.ts";
import { framed } from "../frames/flight_data.ts";
import {
  BadMessageError,
  readAction,
  readDescriptor,
  readExchange,
  readTicket,
  writeResult,
} from "./messages.ts";
import { traceFields } from "../telemetry/request_trace.ts";
import type { Access, FlightInstance } from "./service.ts";

const SERVICE = "/arrow.flight.protocol.FlightService/";
/** Values of a command that are not names of channels. */
const OTHER_VALUES_MAX = 100;
const encoder = new TextEncoder();

/** Answers the calls of one instance. */
export class FlightService {
  readonly #instance: FlightInstance;
  readonly #tables: FlightTables;

  constructor(instance: FlightInstance) {
    this.#instance = instance;
    this.#tables = new FlightTables(instance);
  }

  /** Answers a call; never rejects. */
  async answer(call: FlightCall): Promise<void> {
    const method = methodOf(call);
    const { called } = this.#instance.flight;
    called[
      (FLIGHT_METHODS as readonly string[]).includes(method)
        ? method as FlightMethod
        : "other"
    ]++;
    try {
      await this.#answer(call, method);
    } catch (error) {
      call.end(this.#errorOf(error, call));
    }
  }

  async #answer(call: FlightCall, method: string): Promise<void> {
    switch (method) {
      case "GetFlightInfo":
        return await this.#info(call);
      case "DoGet":
        return await this.#get(call);
      case "DoAction":
        return await this.#act(call);
      case "ListActions":
        for (const type of actionTypes()) await call.send(framed(type));
        return call.end(null);
      case "DoExchange":
        return await this.#exchange(call);
      case "Handshake":
        throw new FlightError(
          "unimplemented",
          "This service does not have an authentication mechanism enabled.",
        );
      default:
        throw new FlightError("unimplemented", "");
    }
  }

  async #info(call: FlightCall): Promise<void> {
    const caller = await this.#callerOf(call);
    const { command: bytes } = readDescriptor(await call.message);
    if (bytes === null) {
      throw new FlightError("internal", "the descriptor must be a command");
    }
    const command = this.#commandOf(bytes);
    const { catalog } = await this.#accessOf(call, caller, command);
    const { config: { channelsMax }, requests } = this.#instance;
    const mayPublish = this.#mayPublish;
    const options = { channelsMax, mayPublish };
    const info = await requests.slices.run(
      flightInfo(command, bytes, catalog, options),
      () => call.isGone,
    );
    await call.send(framed(info));
    call.end(null);
  }

  async #get(call: FlightCall): Promise<void> {
    const caller = await this.#callerOf(call);
    const command = this.#commandOf(readTicket(await call.message));
    const { request, args } = command;
    const access = await this.#accessOf(call, caller, command);
    const { catalog } = access;
    switch (request) {
      case "Find":
        return await this.#tables.find(call, args, catalog);
      case "Count":
        return await this.#tables.count(call, args, catalog);
      case "Describe":
        return await this.#tables.describe(call, args, catalog);
      case "Publish":
        return await this.#tables.publish(call, args, catalog);
      case "Stream":
        return await openStream(call, args, access, this.#instance);
      case "Partition":
        throw new FlightError("server", "request type not valid");
    }
  }

  async #act(call: FlightCall): Promise<void> {
    const type = readAction(await call.message);
    const { access, requests } = this.#instance;
    const catalog = !access.isOpen && OPEN_ACTIONS.has(type)
      ? new Catalog()
      : (await this.#accessOf(call, await this.#callerOf(call))).catalog;
    const work = actionResult(type, {
      catalog,
      mayPublish: this.#mayPublish,
      authMethods: access.isOpen ? null : ["bearer"],
    });
    const result = await requests.slices.run(work, () => call.isGone);
    const body = encoder.encode(JSON.stringify(result));
    await call.send(framed(writeResult(body)));
    call.end(null);
  }

  /** The control plane of publishers is arrakis-server's. */
  async #exchange(call: FlightCall): Promise<void> {
    const caller = await this.#callerOf(call);
    const { command: bytes } = readExchange(await call.message);
    if (bytes === null) {
      throw new FlightError("internal", "the descriptor must be a command");
    }
    const command = this.#commandOf(bytes);
    await this.#accessOf(call, caller, command);
    if (command.request !== "Partition") {
      throw new FlightError("flight", "request type not valid");
    }
    throw new FlightError(
      "unauthorized",
      "this server assigns no partitions: a dynamic publisher registers its channels with arrakis-server, and can " +
        "then publish; Qanat will serve them",
    );
  }

  /** Reads a command, only after its sender is known: a long one takes time. */
  #commandOf(bytes: Uint8Array): Command {
    const { channelsMax } = this.#instance.config;
    return readCommand(bytes, 2 * channelsMax + OTHER_VALUES_MAX);
  }

  get #mayPublish(): boolean {
    const { flightPublish, kafka } = this.#instance.config;
    return flightPublish && kafka.length > 0;
  }

  /** Who sends a call, before its message is read. Throws {@linkcode FlightError}. */
  async #callerOf(call: FlightCall): Promise<Principal> {
    const { authorization, address } = call;
    const outcome = await this.#instance.access.authenticate(
      { authorization, session: null, address },
      "any",
    );
    if ("error" in outcome) throw denied(outcome);
    return outcome;
  }

  /** What the sender may find and read; a publisher needs the right to publish. Throws {@linkcode FlightError}. */
  async #accessOf(
    call: FlightCall,
    caller: Principal,
    command?: Command,
  ): Promise<Access> {
    const { access, requests } = this.#instance;
    const denial = access.denialNow(caller, needOf(command));
    if (denial !== null) throw denied(denial);
    const { grant } = caller;
    const catalog = access.knownCatalog(grant) ??
      await requests.slices.runShared(
        access.gathering(grant),
        () => call.isGone,
      );
    return {
      catalog,
      rights: access.rightsOf(caller, grant),
    };
  }

  /** The error that a call ends with, whatever was thrown. */
  #errorOf(error: unknown, { trace }: FlightCall): FlightError {
    if (error instanceof FlightError) return error;
    if (error instanceof BadMessageError) {
      return new FlightError("internal", error.message);
    }
    const { name, message, stack } = error as Error;
    // Of the limits of requests: the message says which one.
    if (name === "LimitError" || name === "ClientGoneError") {
      return new FlightError("unavailable", message);
    }
    this.#instance.log.error("flight-call-failed", {
      error: stack ?? message,
      ...traceFields(trace),
    });
    return new FlightError(
      "internal",
      "the server has failed to answer; its log has the reason",
    );
  }
}

/** Empty for a path of another service. */
function methodOf({ headers }: FlightCall): string {
  const path = headers[":path"] ?? "";
  return path.startsWith(SERVICE) ? path.slice(SERVICE.length) : "";
}

function needOf(command: Command | undefined): Need {
  switch (command?.request) {
    case "Publish":
    case "Partition":
      return { publisher: command.args.publisher_id };
    default:
      return "read";
  }
}

function denied({ error, detail }: Denial): FlightError {
  switch (error) {
    case "insufficient_scope":
      return new FlightError("unauthorized", detail);
    case "unavailable":
      return new FlightError("unavailable", detail);
    default:
      return new FlightError("unauthenticated", detail);
  }
}
