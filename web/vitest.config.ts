// The unit tests need neither a browser nor the React plugin: they cover the pure parts.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Long enough for a slow machine that runs other tests at the same time.
  test: { environment: 'node', include: ['tests/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
});
