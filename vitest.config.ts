import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Small files that take long, most of them waiting. Begun last, they would leave the cores with nothing else to do. */
const SLOW = [
  'ledger/bounded.test.ts',
  'proofs/adaptive-throttle.test.ts',
  'export/demo.test.ts',
  'redis/shared-token.test.ts',
  'src/garbage.test.ts',
  'growth/growth.test.ts',
];

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(files);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  test: {
    include: ['{bench,catalog,examples,fake-provider,packages,proofs}/**/*.test.ts'],
    // Tests run as everything else does: Node reads the TypeScript as it is.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // To start a worker for each of two hundred files would take longer than to run them.
    isolate: false,
    sequence: { sequencer: SlowFirst },
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
