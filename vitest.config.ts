import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Small files that take long: begun last, they would leave a core with nothing else to do. And some that collect garbage,
 * which is quick as long as there is little.
 */
const FIRST =
  /(?:ledger\/bounded|limits\/truthful|faults\/hang|src\/garbage|export\/demo|shared-token|proofs\/adaptive-throttle|growth|browser\/site)\.test\.ts$/;

/** Proofs and examples mostly wait, for sockets, clocks and processes; all others compute. So they take turns. */
const WAITS = /\/(?:proofs|examples)\/(?!house\/)/;

class TakingTurns extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isFirst = ({ moduleId }: TestSpecification) => Number(FIRST.test(moduleId));
    const sorted = (await super.sort(files)).toSorted((one, other) => isFirst(other) - isFirst(one));
    const { waiting = [], computing = [] } = Object.groupBy(sorted, ({ moduleId }) =>
      WAITS.test(moduleId) ? 'waiting' : 'computing',
    );
    const { length: waitingCount } = waiting;
    const waitingBefore = (index: number) => Math.ceil((index * waitingCount) / sorted.length);
    return sorted.map((_, index) => {
      const isTurn = waitingBefore(index) < waitingBefore(index + 1);
      return (isTurn ? waiting.shift() : computing.shift())!;
    });
  }
}

export default defineConfig({
  test: {
    include: ['{bench,catalog,cli,examples,fake-provider,packages,proofs}/**/*.test.ts'],
    // Tests run as everything else does: Node reads the TypeScript as it is.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // To start a worker for each of two hundred files would take longer than to run them.
    isolate: false,
    sequence: { sequencer: TakingTurns },
    unstubGlobals: true,
    setupFiles: ['proofs/house/give-back.ts'],
    // Dozens of tests start the command line as a process of its own; what it compiles, it compiles once.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') },
    // Many tests wait, on real sockets and for a browser, so one worker a core would leave two cores idle.
    maxWorkers: 3,
    // A proof over real sockets may have to wait out a real Retry-After, and a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
