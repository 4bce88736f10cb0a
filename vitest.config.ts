import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'fake-provider/src/**/*.test.ts',
      'proofs/**/*.test.ts',
      'examples/**/*.test.ts',
      'catalog/src/**/*.test.ts',
    ],
    // Many tests wait on real sockets, so one worker a core would leave the cores idle.
    maxWorkers: 4,
    // A proof over real sockets may have to wait out a real Retry-After.
    testTimeout: 20_000,
  },
});
