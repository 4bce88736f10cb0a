import type { Call, Reply } from '../call.ts';
import type { Config, ConfigInput } from '../config.ts';
import { dialects } from '../dialects/index.ts';
import { createProvider, type Provider } from '../provider.ts';
import type { Scenario, Task } from '../scenario.ts';
import { type RunningServer, serve } from '../transports/express.ts';
import { taskCount, taskKind } from './task.ts';

/** One thing that a bad day is made of, and whether the client met it. */
export interface Occurrence {
  readonly what: string;
  readonly met: boolean;
}

/** A provider in a scenario, before a client comes. */
export interface Stage {
  readonly provider: Provider;
  /** The names of the resources that the client is to read, or to write to. */
  readonly resources: readonly string[];
  /** What the client is told in its environment, apart from what all cases have in common. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the day is made of, and what of it the client has met so far. */
  occurrences(): readonly Occurrence[];
  /** Requests that came to another origin, to which only a link of the provider leads. */
  readonly strays: number;
  close(): Promise<void>;
}

/** Puts up a provider in a scenario, on a port of its own. */
export async function openStage({ config: input, task, showsAs }: Scenario, seed: number): Promise<Stage> {
  const struck = new Set<string>();
  const spoilt = new Set<string>();
  const reached = new Set<string>();
  const statuses = new Set<number>();
  let isCapped = false;
  let strays = 0;

  const provider = createProvider(
    { ...input, seed },
    {
      recordPlan: ({ fault }) => void struck.add(fault),
      onDefect: (defect) => void spoilt.add(defect),
    },
  );
  const watched = watch(provider, (call, { status, simulated }) => {
    statuses.add(status);
    if (simulated !== undefined) reached.add(simulated);
    for (const { name, remaining, limit } of provider.levels()) if (remaining <= limit / 5) reached.add(name);
    isCapped ||= asksForTooMuch(call, provider.config);
  });
  const servers = [await serve(watched)];
  if (hasForeignLinks(input)) {
    const elsewhere = watch(watched, () => {
      strays += 1;
    });
    servers.push(await serve(elsewhere));
    provider.reset(withForeignLinksTo(servers[1]!.url, { ...input, seed }));
  }

  const { config } = provider;
  const resources = Object.keys(config.resources);
  return {
    provider,
    resources,
    environment: environmentOf(servers[0]!, config, task),
    get strays() {
      return strays;
    },
    occurrences() {
      const defects = Object.values(config.resources).flatMap((resource) => resource.defects);
      const isExpiring = input.auth && (input.auth.tokenTtlSeconds ?? input.auth.revokeAfterRequests) !== undefined;
      const names = config.limits.map(({ name }) => name);
      const some: Occurrence[] = [
        ...distinct(config.faults.map(({ fault }) => fault)).map((what) => ({ what, met: struck.has(what) })),
        ...distinct(defects.map(({ defect }) => defect)).map((what) => ({ what, met: spoilt.has(what) })),
        ...resources.filter((name) => isMoving(config, name)).map((name) => changesOf(provider, name)),
        ...(isExpiring ? [{ what: 'a token that is good no longer', met: hasRenewed(provider) }] : []),
        ...(hasCaps(config) ? [{ what: 'a page smaller than asked for', met: isCapped }] : []),
        ...(showsAs === undefined ? [] : [{ what: `an answer with status ${showsAs}`, met: statuses.has(showsAs) }]),
      ];
      if (some.length > 0) return some;
      // Where there is more to a day, a client may stay clear of its limits. One of several hides the others.
      const limited = { what: `limit ${names.join(' or ')}`, met: names.some((name) => reached.has(name)) };
      return [names.length > 0 ? limited : { what: 'a request that was answered', met: statuses.has(200) }];
    },
    close: async () => void (await Promise.all(servers.map((server) => server.close()))),
  };
}

/** The same provider, with somebody who looks on. */
function watch(provider: Provider, look: (call: Call, reply: Reply) => void): Provider {
  return Object.assign(Object.create(provider) as Provider, {
    handle(call: Call): Reply {
      const reply = provider.handle(call);
      look(call, reply);
      return reply;
    },
  });
}

function environmentOf({ url }: RunningServer, config: Config, task: Task | undefined) {
  const { auth, dialect, resources } = config;
  const [[id, { secret = '' }] = ['', {}]] = Object.entries(auth ? auth.clients : {});
  const [refreshToken = ''] = Object.keys(auth ? auth.refreshTokens : {});
  return {
    BASE_URL: url,
    TOKEN_URL: auth ? `${url}${dialects[dialect].token.path}` : '',
    CLIENT_ID: id,
    CLIENT_SECRET: secret,
    REFRESH_TOKEN: refreshToken,
    RESOURCE: Object.keys(resources).join(','),
    PAGINATION: Object.values(resources)
      .map(({ pagination }) => pagination)
      .join(','),
    TASK: taskKind(task),
    TASK_COUNT: `${taskCount(task)}`,
  };
}

const isMoving = ({ resources }: Config, name: string): boolean => {
  const { insertsPerRequest, deletesPerRequest, updatesPerRequest } = resources[name]!.churn;
  return insertsPerRequest + deletesPerRequest + updatesPerRequest > 0;
};

function changesOf({ ledger }: Provider, name: string): Occurrence {
  const { from, to } = ledger.readingsAfter(0, name) ?? { from: 0, to: 0 };
  return { what: `changes to ${name}`, met: to > from };
}

/** Whether a client was refused for its token, or had a second one before it could be. */
function hasRenewed({ ledger }: Provider): boolean {
  const isRefused = ledger.entries.some(({ isUnauthorized, operation }) => isUnauthorized && operation !== 'token');
  return isRefused || ledger.entries.filter(({ granted }) => granted !== undefined).length > 1;
}

const hasCaps = ({ resources }: Config): boolean =>
  Object.values(resources).some(({ pageSize }) => pageSize.overMax === 'cap');

function asksForTooMuch({ path, query, method }: Call, { resources }: Config): boolean {
  const resource = resources[path.slice(1)];
  const asked = Number(query.get('limit') ?? query.get('per_page'));
  return method === 'GET' && resource?.pageSize.overMax === 'cap' && asked > resource.pageSize.max;
}

function hasForeignLinks({ resources = {} }: ConfigInput): boolean {
  return Object.values(resources).some(({ defects = [] }) => defects.some(({ defect }) => defect === 'foreign-next'));
}

/** Where nobody listens, nobody would see what a client gives away. */
function withForeignLinksTo(origin: string, input: ConfigInput): ConfigInput {
  const resources = Object.entries(input.resources ?? {}).map(([name, resource]) => {
    const defects = resource.defects?.map((each) =>
      each.defect === 'foreign-next' ? { ...each, with: { ...each.with, origin } } : each,
    );
    return [name, { ...resource, ...(defects && { defects }) }];
  });
  return { ...input, resources: Object.fromEntries(resources) };
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
