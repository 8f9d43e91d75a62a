import * as z from "zod";
import { instanceUrl, nameSchema } from "../core/instance.ts";
import type { Member, Members } from "../core/ports.ts";
import { PROTOCOLS } from "../core/protocol.ts";
import { type ConnectionOptions, connectCluster, noCluster } from "./connection.ts";

const member = z.object({
  kind: z.enum(["instance", "skill"]),
  name: nameSchema,
  url: instanceUrl.optional(),
  protocol: z.enum(PROTOCOLS).optional(),
  tags: z.array(nameSchema).optional(),
  since: z.number(),
  until: z.number(),
});

const answer = z.object({ members: z.array(z.unknown()) });

/** Ten thousand members of usual length. */
const LIMIT = 4 * 1024 * 1024;

/** The members that a cluster lists. Those that make no sense here, of a later version say, are left out. */
export function createMembers(options: ConnectionOptions): Members & { close(): Promise<void> } {
  const connection = connectCluster(options);
  return {
    async list(kind) {
      const body = await connection.request({ method: "GET", path: `members?kind=${kind}`, limit: LIMIT });
      const parsed = answer.safeParse(body);
      if (!parsed.success) throw noCluster(options.url, "without a list of members");
      return parsed.data.members.flatMap((entry): Member[] => {
        const known = member.safeParse(entry);
        return known.success && known.data.kind === kind ? [known.data] : [];
      });
    },
    close: () => connection.close(),
  };
}
