import { defineConfig } from "vitest/config";

// Programs of others that judge ours: their packages come from the npm registry, so this is no part of `npm test`.
export default defineConfig({
  test: {
    include: ["test/judges/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
