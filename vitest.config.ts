import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{bench,catalog,examples,fake-provider,packages,proofs}/**/*.test.ts'],
    // Tests run as everything else does: Node reads the TypeScript as it is.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // To start a worker for each of two hundred files would take longer than to run them.
    isolate: false,
    unstubGlobals: true,
    setupFiles: ['proofs/house/give-back.ts'],
    // Dozens of tests start the command line as a process of its own; what it compiles, it compiles once.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') },
    // Many tests wait on real sockets, so one worker a core would leave two cores idle.
    maxWorkers: 3,
    // A proof over real sockets may have to wait out a real Retry-After, and a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
