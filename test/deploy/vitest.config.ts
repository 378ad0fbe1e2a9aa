import { defineConfig } from 'vitest/config';

/** What takes minutes, or an engine: npm run test:deploy. */
export default defineConfig({
  test: { include: ['test/deploy/**/*.engine.ts'], testTimeout: 600_000, hookTimeout: 120_000 },
});
