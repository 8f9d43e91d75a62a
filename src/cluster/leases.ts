import { OrchestratorError } from "../core/errors.ts";
import type { Clock, Ids, Member } from "../core/ports.ts";
import type { Registration } from "./registration.ts";

/** A member as the cluster shows it. */
export interface ClusterMember extends Member {
  /** Instances: scheme, host and port of `url`. */
  origin?: string;
}

export interface LeaseGrant {
  leaseId: string;
  ttlSeconds: number;
}

export interface LeaseTable {
  /**
   * Lets somebody in. An instance's name belongs to the origin that holds its live lease; the holder
   * may move it by its `leaseId`. Each registration of a skill has a lease of its own.
   *
   * @throws OrchestratorError `conflict` for a live name from another origin; `overloaded` when full.
   */
  register(registration: Registration, leaseId?: string): LeaseGrant;
  /** `undefined` when there is no such lease, or no more: register again. */
  renew(leaseId: string): LeaseGrant | undefined;
  /** Whose lease it was, if it was alive. */
  deregister(leaseId: string): Registration | undefined;
  /**
   * One member for each kind and name, in the order of their arrival, then by name. An instance that
   * stopped renewing without a goodbye stays for 15 minutes, `until` in the past: those who count on it
   * are to find it down, not unheard of.
   */
  list(kind?: Member["kind"]): ClusterMember[];
}

export interface LeaseTableOptions {
  clock: Clock;
  ids: Pick<Ids, "random">;
  ttlMs?: number;
  /** Called when somebody has come, moved or said goodbye. */
  onChange?: () => void;
}

interface Lease {
  leaseId: string;
  registration: Registration;
  since: number;
  /** On the monotonic clock: setting the wall clock must not expire a fleet. */
  expiresAt: number;
}

const MOST_LEASES = 10_000;
const LOST_ARE_LISTED_MS = 15 * 60_000;

/** The members of a cluster, each for as long as it keeps renewing its lease (30 s unless told otherwise). */
export function createLeaseTable({
  clock,
  ids,
  ttlMs = 30_000,
  onChange = () => {},
}: LeaseTableOptions): LeaseTable {
  /** In the order of their expiry, since all last equally long from their renewal on. */
  const leases = new Map<string, Lease>();
  const byInstance = new Map<string, Lease>();
  /** Instances whose lease ran out, by name, in the order of that. */
  const lost = new Map<string, Lease>();

  const isLive = (lease: Lease) => lease.expiresAt > clock.monotonic();

  function sweep(): void {
    for (const lease of leases.values()) {
      if (isLive(lease)) break;
      remove(lease);
      const { kind, name } = lease.registration;
      if (kind === "instance" && !byInstance.has(name)) lost.set(name, lease);
    }
    for (const [name, { expiresAt }] of lost) {
      if (expiresAt + LOST_ARE_LISTED_MS > clock.monotonic()) return;
      lost.delete(name);
    }
  }

  function remove({ leaseId, registration: { kind, name } }: Lease): void {
    leases.delete(leaseId);
    if (kind === "instance" && byInstance.get(name)?.leaseId === leaseId) byInstance.delete(name);
  }

  function grant(lease: Lease): LeaseGrant {
    const { leaseId, registration } = lease;
    lease.expiresAt = clock.monotonic() + ttlMs;
    leases.delete(leaseId);
    leases.set(leaseId, lease);
    if (registration.kind === "instance") {
      byInstance.set(registration.name, lease);
      lost.delete(registration.name);
    }
    return { leaseId, ttlSeconds: ttlMs / 1000 };
  }

  function welcome(lease: Lease): LeaseGrant {
    const granted = grant(lease);
    onChange();
    return granted;
  }

  return {
    register(registration, leaseId) {
      sweep();
      const own = leaseId === undefined ? undefined : leases.get(leaseId);
      if (own && isSameMember(own.registration, registration)) {
        const moved = originOf(own.registration) !== originOf(registration);
        return welcome({ ...own, registration, since: moved ? clock.now() : own.since });
      }
      const holder = registration.kind === "instance" ? byInstance.get(registration.name) : undefined;
      if (holder) {
        if (originOf(holder.registration) !== originOf(registration)) throw taken(holder, clock);
        // Its process came back before the lease ran out; a late goodbye of the old one must not count.
        remove(holder);
      }
      if (leases.size >= MOST_LEASES) {
        throw new OrchestratorError(
          "overloaded",
          `The cluster has ${MOST_LEASES} members and takes no more.`,
        );
      }
      return welcome({ leaseId: ids.random(), registration, since: clock.now(), expiresAt: 0 });
    },
    renew(leaseId) {
      sweep();
      const lease = leases.get(leaseId);
      return lease && grant(lease);
    },
    deregister(leaseId) {
      sweep();
      const lease = leases.get(leaseId);
      if (lease) remove(lease);
      if (lease) onChange();
      return lease?.registration;
    },
    list(kind) {
      const members = new Map<string, ClusterMember>();
      sweep();
      for (const { registration, since, expiresAt } of [...leases.values(), ...lost.values()].sort(
        byArrival,
      )) {
        if (kind !== undefined && registration.kind !== kind) continue;
        const key = `${registration.kind}/${registration.name}`;
        const until = Math.round(clock.now() + expiresAt - clock.monotonic());
        const known = members.get(key);
        if (known) known.until = Math.max(known.until, until);
        else members.set(key, { ...registration, since, until });
      }
      return [...members.values()];
    },
  };
}

function byArrival(a: Lease, b: Lease): number {
  return a.since - b.since || a.registration.name.localeCompare(b.registration.name);
}

function isSameMember(a: Registration, b: Registration): boolean {
  return a.kind === b.kind && a.name === b.name;
}

function originOf(registration: Registration): string | undefined {
  return registration.kind === "instance" ? registration.origin : undefined;
}

function taken({ registration, expiresAt }: Lease, clock: Clock): OrchestratorError {
  const seconds = Math.ceil((expiresAt - clock.monotonic()) / 1000);
  return new OrchestratorError(
    "conflict",
    `An instance named ${registration.name} is already registered from ${originOf(registration)}.`,
    {
      action: `Choose another name, or stop the other one; if it is gone, the name is free in ${seconds} s.`,
      instance: registration.name,
      delivery: "not_sent",
    },
  );
}
