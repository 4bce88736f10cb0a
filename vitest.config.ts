import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

/** Tests that take the platform's time or network into their own hands. */
const HANDS_ON = [
  'packages/*/src/**/*.test.ts',
  'proofs/*.test.ts',
  'proofs/house/front-matter.test.ts',
  'proofs/sdks/hubspot.test.ts',
  ...['auto-clock', 'clock', 'transports/contract'].map((name) => `fake-provider/src/${name}.test.ts`),
];

export default defineConfig({
  test: {
    // Tests run as everything else does: Node reads the TypeScript as it is.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // Dozens of tests start the command line as a process of its own; what it compiles, it compiles once.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') },
    // Many tests wait on real sockets, so one worker a core would leave two cores idle.
    maxWorkers: 3,
    // A proof over real sockets may have to wait out a real Retry-After, and a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      // Each has a thread of its own, which costs less to start than a process.
      { extends: true, test: { name: 'hands-on', include: HANDS_ON, pool: 'threads' } },
      {
        extends: true,
        test: {
          name: 'hands-off',
          include: ['{fake-provider,proofs,examples,catalog}/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...HANDS_ON],
          // To start a worker for each of a hundred files would take longer than to run them.
          isolate: false,
        },
      },
    ],
  },
});
