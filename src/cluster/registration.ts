import * as z from "zod";
import { OrchestratorError } from "../core/errors.ts";
import { instanceUrl, nameSchema } from "../core/instance.ts";
import { isObject } from "../core/json.ts";
import { PROTOCOLS, type Protocol } from "../core/protocol.ts";
import { validate } from "../core/validate.ts";

/** A lease that the sender holds: it may move the name to another origin. */
const leaseId = z.string().min(1).max(128).optional();

const skillBody = z.object({ skillId: nameSchema, leaseId });

const instanceBody = z.object({
  instanceId: nameSchema,
  url: instanceUrl.max(2048),
  protocol: z.enum(PROTOCOLS).default("rest"),
  tags: z.array(nameSchema).max(100).default([]),
  leaseId,
});

/** What `POST /api/cluster/register` takes: a skill or an instance. Unknown fields are ignored. */
export type RegisterBody = z.input<typeof skillBody> | z.input<typeof instanceBody>;

/** Who wants to be a member. */
export type Registration =
  | { kind: "skill"; name: string }
  | {
      kind: "instance";
      name: string;
      /** As given. */
      url: string;
      /** Scheme, host and port of `url`, which the instance's key is derived from. */
      origin: string;
      protocol: Protocol;
      tags: string[];
    };

/** @throws OrchestratorError `bad_request` that names the wrong field. */
export function parseRegisterBody(body: unknown): {
  registration: Registration;
  leaseId: string | undefined;
} {
  if (isObject(body) && "instanceId" in body) {
    if ("skillId" in body)
      throw new OrchestratorError("bad_request", "Register a skillId or an instanceId, not both.");
    const { instanceId: name, leaseId, ...rest } = validate(instanceBody, body);
    return { registration: { kind: "instance", name, ...rest, origin: new URL(rest.url).origin }, leaseId };
  }
  if (isObject(body) && !("skillId" in body)) {
    throw new OrchestratorError("bad_request", "The body names neither a skillId nor an instanceId.", {
      action: 'Send {"skillId":"orchestrator"} or {"instanceId":"A","url":"http://…"}.',
    });
  }
  const { skillId: name, leaseId } = validate(skillBody, body);
  return { registration: { kind: "skill", name }, leaseId };
}
