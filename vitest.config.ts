import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Tests run as everything else does: Node reads the TypeScript as it is.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    include: [
      'packages/*/src/**/*.test.ts',
      'fake-provider/src/**/*.test.ts',
      'proofs/**/*.test.ts',
      'examples/**/*.test.ts',
      'catalog/src/**/*.test.ts',
    ],
    // Dozens of tests start the command line as a process of its own; what it compiles, it compiles once.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') },
    // Many tests wait on real sockets, so one worker a core would leave the cores idle.
    maxWorkers: 4,
    // A proof over real sockets may have to wait out a real Retry-After, and a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
