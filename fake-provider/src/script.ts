import type { Arrival } from './arrival.ts';
import type { Reply } from './call.ts';
import { chance } from './chance.ts';
import type { Config, On } from './config.ts';
import type { Fault, FaultSite } from './fault.ts';
import { faults } from './faults/index.ts';
import type { PlannedFault } from './plan.ts';

/** A fault as it is configured: which one, when, and how it is set. */
export type FaultEntry = Config['faults'][number];

/** A fault that was added while the provider runs. */
export interface AddedFault {
  readonly id: string;
  readonly entry: FaultEntry;
  /** Epoch milliseconds from which it strikes no more. */
  readonly untilMs: number;
}

/** The faults of a scenario, ready to strike. */
export interface Script {
  /** The faults that were added while it plays, and still strike. */
  added(nowMs: number): readonly AddedFault[];
  /** Adds one, outside all others, that strikes until `untilMs`. */
  add(entry: FaultEntry, untilMs: number): AddedFault;
  /** Takes an added one back; `false` where there is none of this id. */
  remove(id: string): boolean;
  /** Serves the request, through every fault that strikes it. The first one configured is the outermost. */
  play(arrival: Arrival, site: FaultSite, serve: () => Reply): Reply;
}

/** What a script follows, and what follows it. */
export interface ScriptOptions {
  /** Exactly the faults that strike, whatever is configured. */
  readonly plan?: Iterable<PlannedFault>;
  /** Takes down each fault as it is delivered. */
  readonly recordPlan?: (fault: PlannedFault) => void;
}

/** A fault and its settings. */
type Entry = Pick<Config['faults'][number], 'fault' | 'with'>;

/** Makes a script from the configured faults, or from a plan. */
export function createScript(
  configured: Config['faults'],
  seed: number,
  { plan, recordPlan }: ScriptOptions = {},
): Script {
  const planned = plan && Map.groupBy(plan, siteOf);
  let added: AddedFault[] = [];
  let count = 0;

  function struck(arrival: Arrival): readonly Entry[] {
    const { nowMs } = arrival;
    const now = added
      .filter(({ id, entry, untilMs }) => nowMs < untilMs && strikes(entry.on, arrival, [seed, 'added', id]))
      .map(({ entry }) => entry);
    if (planned) return [...now, ...(planned.get(siteOf(arrival)) ?? [])];
    return [...now, ...configured.filter(({ on }, index) => strikes(on, arrival, [seed, 'fault', index]))];
  }

  return {
    added: (nowMs) => added.filter(({ untilMs }) => nowMs < untilMs),
    add(entry, untilMs) {
      count += 1;
      const fault = { id: `${count}`, entry, untilMs };
      added.push(fault);
      return fault;
    },
    remove(id) {
      const before = added.length;
      added = added.filter((fault) => fault.id !== id);
      return added.length < before;
    },
    play: (arrival, site, serve) =>
      struck(arrival).reduceRight<() => Reply>(
        (next, entry) => () => {
          const { client, route, nth } = arrival;
          recordPlan?.({ client, route, nth, fault: entry.fault, with: entry.with } as PlannedFault);
          // The schema pairs each name with its own options, which a lookup by name cannot show the compiler.
          const fault = faults[entry.fault] as Fault;
          return { simulated: entry.fault, ...fault.apply(entry.with, next, site) };
        },
        serve,
      )(),
  };
}

function siteOf({ client, route, nth }: Pick<PlannedFault, 'client' | 'route' | 'nth'>): string {
  return `${client} ${route} ${nth}`;
}

/** Whether something configured for some requests happens to this one. `site` tells it from everything else. */
export function strikes(on: On, { client, route, nth }: Arrival, site: readonly (string | number)[]): boolean {
  if (on.route !== undefined && on.route !== route) return false;
  if (on.calls === undefined && on.ratio === undefined) return true;
  return (on.calls?.includes(nth) ?? false) || chance(...site, client, route, nth) < (on.ratio ?? 0);
}
