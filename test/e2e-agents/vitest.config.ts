import { defineConfig } from "vitest/config";

// `npm run e2e:agents`: not part of the tests, since it installs some 800 MB.
export default defineConfig({
  test: { include: ["test/e2e-agents/*.e2e.ts"], testTimeout: 120_000, hookTimeout: 600_000 },
});
