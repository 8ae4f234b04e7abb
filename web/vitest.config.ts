// The unit tests need neither a browser nor the React plugin: they cover the pure parts.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { environment: 'node', include: ['tests/**/*.test.ts'] },
});
