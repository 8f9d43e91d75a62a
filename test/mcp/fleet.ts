import { connect, engineOver } from "./harness.ts";
import { type HttpInstance, httpInstance, type Work } from "./http-instance.ts";

/** A client of a real engine over real instances, and those instances. */
export async function fleet(...named: [name: string, work: Work][]) {
  const instances = await Promise.all(named.map(([name, work]) => httpInstance(name, work, ["search"])));
  const engine = engineOver(instances);
  return { client: await connect(engine), engine, instances: instances as [HttpInstance, ...HttpInstance[]] };
}

export const echo: Work = (payload) => ({ echo: payload });

/** Work that goes on until the test lets it end. */
export function held(): { work: Work; release: () => void } {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { work: () => gate.then(() => "at last"), release: () => release() };
}
