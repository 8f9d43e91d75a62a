/** Of express, what the SDK's server side needs; its types are no package of this project. */
declare module "express" {
  import type { RequestListener } from "node:http";
  export default function express(): RequestListener & { use(path: string, ...handlers: unknown[]): void };
}
