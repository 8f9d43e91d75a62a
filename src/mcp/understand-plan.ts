import { isObject } from "../core/json.ts";
import type { STEP_KINDS } from "../core/plan.ts";
import { isStructure, readJson, readMessage, readPayloads } from "./understand-json.ts";

// The steps of a plan as their sender most likely meant them: any part of a plan may come as text.

type Fields = Record<string, unknown>;
type Reader = (value: unknown) => unknown;

export function readSteps(value: unknown): unknown {
  const steps = readJson(value, Array.isArray);
  return Array.isArray(steps) ? steps.map((step) => withReaders(readJson(step, isObject), STEP)) : steps;
}

export const readStructure: Reader = (value) => readJson(value, isStructure);

/** One id, or several with commas, in place of a list of them. */
const readIds: Reader = (value) => {
  const read = readJson(value, Array.isArray);
  return typeof read === "string" && read.trim() !== "" ? read.split(",").map((id) => id.trim()) : read;
};

const readNumber: Reader = (value) =>
  typeof value === "string" && value.trim() !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;

/** A reference as a whole keeps the type of what it refers to; other text is a message. */
const readPayload: Reader = (value) =>
  typeof value === "string" && /^\$\{[^{]*\}$/.test(value.trim()) ? value.trim() : readMessage(value);

/** `targets` and `instances` are accepted for each other. */
function called(name: "targets" | "instances", other: "targets" | "instances"): Reader {
  return (value) => {
    const call = withReaders(readJson(value, isObject), {
      ...{ payload: readPayload, payloads: readPayloads, aggregate: readStructure },
      ...{ targets: readStructure, instances: readStructure },
    });
    if (!isObject(call) || !(other in call) || name in call) return call;
    const { [other]: names, ...rest } = call as Fields;
    return { ...rest, [name]: names };
  };
}

const SESSION: Reader = (value) => {
  const session = readJson(value, isObject);
  if (!isObject(session)) return session;
  const calls = Object.entries(session).map(([name, call]) => [
    name,
    withReaders(readJson(call, isObject), { data: readPayload }),
  ]);
  return Object.fromEntries(calls);
};

const CALLS: Record<(typeof STEP_KINDS)[number], Reader> = {
  delegate: called("instances", "targets"),
  fanout: called("targets", "instances"),
  aggregate: (value) => withReaders(readJson(value, isObject), { from: readIds, responses: readStructure }),
  session: SESSION,
};

const STEP: Record<string, Reader> = {
  ...CALLS,
  ...{ needs: readIds, forEach: readStructure, when: readStructure, onError: readStructure },
  ...{ concurrency: readNumber, retries: readNumber },
};

/** Fields that are null were left out, where `null` is no message. */
function withReaders(value: unknown, readers: Record<string, Reader>): unknown {
  if (!isObject(value)) return value;
  const entries = Object.entries(value).flatMap(([name, inner]) => {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) return [[name, inner]];
    if (inner === null && read !== readPayload) return [];
    return [[name, read(inner)]];
  });
  return Object.fromEntries(entries);
}
