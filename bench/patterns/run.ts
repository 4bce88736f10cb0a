/** The patterns beside their peers, written to RESULTS.md: `pnpm bench`, or only some of it: `pnpm bench cost quota`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

const SECTIONS = ['size', 'cost', 'contention', 'overload', 'quota', 'pages', 'memory'];
const RESULTS = new URL('../RESULTS.md', import.meta.url);
const INTRODUCTION = `# Results

Written by \`npx -y pnpm@12 bench\`: the patterns beside their peers, each section measured in one run. Name a section
(\`npx -y pnpm@12 bench cost\`) to measure that one again. Lower is better, unless a column says otherwise.
`;

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !SECTIONS.includes(name));
if (unknown.length > 0) {
  console.error(`bench: there is no section ${unknown.join(', ')}; there are ${SECTIONS.join(', ')}`);
  process.exit(2);
}

const written = existsSync(RESULTS)
  ? readFileSync(RESULTS, 'utf8')
      .split(/^(?=## )/m)
      .slice(1)
  : [];
const sections = new Map(written.map((section) => [nameOf(section), section]));
for (const name of SECTIONS) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const section = await measure(name);
  sections.set(nameOf(section), section);
  console.log(section);
  write();
}

function write(): void {
  const inOrder = SECTIONS.flatMap((name) => sections.get(name)?.trimEnd() ?? []);
  writeFileSync(RESULTS, `${[INTRODUCTION.trimEnd(), ...inOrder].join('\n\n')}\n`);
}

/** In a process of its own: no section meets what another did to the platform's time, or to the compiler's opinions. */
async function measure(name: string): Promise<string> {
  const argv = ['--expose-gc', '--disable-warning=ExperimentalWarning', `${import.meta.dirname}/${name}.ts`];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [section, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`bench: ${name} ended with ${code}`);
  return section;
}

/** `## Quota used` is the section `quota`. */
function nameOf(section: string): string {
  return /^## (\w+)/.exec(section)![1]!.toLowerCase();
}
