/** Requests per second of the provider beside its peers, in turn, as ratios: `pnpm bench:provider`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import { type Contestant, contestants, PATH } from './contestants.ts';

const ROUNDS = 5;
const SECONDS = 3;
const WARM_UP_SECONDS = 3;
const CONNECTIONS = 16;

const all = await contestants();
const rates = new Map<string, number[]>(all.map(({ name }) => [name, []]));

for (let round = 0; round < ROUNDS; round += 1) {
  for (const [index, contestant] of all.entries()) {
    const rate = await inService(contestant, 4_400 + index, measure);
    rates.get(contestant.name)!.push(rate);
    process.stderr.write(`round ${round + 1}/${ROUNDS}  ${contestant.name}: ${Math.round(rate)} requests/s\n`);
  }
}

const [ours, ...peers] = all.map(({ name }) => ({ name, perSecond: median(rates.get(name)!) }));
console.log(`${ours!.name}: ${Math.round(ours!.perSecond)} requests/s`);
for (const { name, perSecond } of peers) {
  const pairs = rates.get(name)!.map((rate, round) => rates.get(ours!.name)![round]! / rate);
  console.log(`${(median(pairs)).toFixed(2)} x ${name} (${Math.round(perSecond)} requests/s)`);
}

async function inService<Result>(
  { command }: Contestant,
  port: number,
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  const [program, ...argv] = command(port);
  const server = spawn(program!, argv, { stdio: 'ignore' });
  try {
    const url = `http://127.0.0.1:${port}${PATH}`;
    await untilServed(url, server);
    return await work(url);
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
}

async function untilServed(url: string, server: ChildProcess): Promise<void> {
  const giveUpAtMs = performance.now() + 30_000;
  while (performance.now() < giveUpAtMs && server.exitCode === null) {
    const status = await fetch(url).then(
      (response) => response.arrayBuffer().then(() => response.status),
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${server.spawnargs.join(' ')} did not answer`);
}

/** Requests per second that were answered with 200, once what is run often has been compiled. */
async function measure(url: string): Promise<number> {
  await autocannon({ url, connections: CONNECTIONS, duration: WARM_UP_SECONDS });
  const {
    '2xx': served,
    duration,
    non2xx,
    errors,
  } = await autocannon({ url, connections: CONNECTIONS, duration: SECONDS });
  if (non2xx + errors > 0) throw new Error(`${url}: ${non2xx} were not served, ${errors} failed`);
  return served / duration;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)]!;
}
