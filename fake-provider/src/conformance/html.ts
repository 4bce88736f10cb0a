import escapeHtml from 'escape-html';
import { byArea, type CaseResult, type ConformanceReport, countOfVerdicts, isBlocking } from './report.ts';

/** A matrix of clients and cases in one file, which asks no other origin for anything and runs no script. */
export function matrixReport(reports: readonly ConformanceReport[]): string {
  const requirements = new Map(reports.flatMap(({ cases }) => cases.map((each) => [each.id, each] as const)));
  const rows = [...requirements.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>Conformance of ${reports.map(({ client }) => client).join(', ')}</title>
<link rel="icon" href="data:,">
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
<h1>Conformance</h1>
<p class="quiet">What clients make of a provider’s bad days. A mark leads to what was expected and what was seen.</p>
</header>
<main>
<ul class="clients">${reports.map(clientItem)}</ul>
<section aria-labelledby="matrix-title">
<h2 id="matrix-title">Matrix</h2>
<ul class="key">${Object.entries(MARKS).map(([verdict, { mark, means }]) => html`<li><span class="${verdict}">${mark} ${verdict}</span> ${means}</li>`)}</ul>
<div class="scroll" role="region" aria-label="Table of cases by clients" tabindex="0">
<table>
<thead><tr><th scope="col">Case</th>${reports.map(({ client }) => html`<th scope="col">${client}</th>`)}</tr></thead>
${byArea(rows).map(([area, cases]) => areaBody(area, cases, reports))}
</table>
</div>
</section>
${reports.map(detailsOf)}
</main>
</body>
</html>
`.text;
}

function clientItem(report: ConformanceReport): Markup {
  const { client, seed, startedAt, passed, interrupted } = report;
  const outcome = passed
    ? html`<span class="pass">✓ all musts kept</span>`
    : html`<span class="fail">✗ not all musts kept</span>`;
  return html`<li><h2>${client}</h2><p>${outcome}${interrupted ? ', interrupted' : ''}</p>
<p class="quiet">${countOfVerdicts(report)}. Seed ${seed}, <time>${startedAt.slice(0, 16).replace('T', ' ')}</time> UTC.</p></li>`;
}

function areaBody(area: string, cases: readonly CaseResult[], reports: readonly ConformanceReport[]): Markup {
  return html`<tbody>
<tr><th scope="rowgroup" colspan="${reports.length + 1}">${area}</th></tr>
${cases.map(
  ({
    id,
    requirement,
    level,
  }) => html`<tr><th scope="row">${id.slice(area.length + 1)} <span class="quiet">${level}</span><span class="requirement">${requirement}</span></th>
${reports.map((report, index) =>
  cell(
    report.cases.find((each) => each.id === id),
    index,
  ),
)}</tr>`,
)}
</tbody>
`;
}

function cell(result: CaseResult | undefined, index: number): Markup {
  if (result === undefined) return html`<td class="quiet">not run</td>`;
  const { verdict, id, weight, isKnownFailing } = result;
  const remarks = [...(isKnownFailing ? ['known'] : []), ...(weight === 'should' ? ['should'] : [])];
  const words = `${MARKS[verdict].mark} ${verdict}`;
  const linked = isTold(result)
    ? html`<a class="${verdict}" href="#${anchor(id, index)}">${words}</a>`
    : html`<span class="${verdict}">${words}</span>`;
  return html`<td>${linked}${remarks.length > 0 ? html` <span class="quiet">${remarks.join(', ')}</span>` : ''}</td>`;
}

function detailsOf({ client, cases }: ConformanceReport, index: number): Markup {
  const told = cases.filter(isTold);
  if (told.length === 0) return html``;
  return html`<section aria-labelledby="client-${index}">
<h2 id="client-${index}">${client}</h2>
${told.map(
  (result) => html`<article id="${anchor(result.id, index)}">
<h3><span class="${result.verdict}">${MARKS[result.verdict].mark} ${result.verdict}</span> ${result.id}</h3>
<p>${result.requirement} <span class="quiet">${result.level}; ${result.reference}</span></p>
${isBlocking(result) && result.verdict === 'pass' ? html`<p class="fail">Listed as failing, but passes: take it off the list.</p>` : ''}
${result.findings.map(
  ({ rule, weight, expected, actual, why }) => html`<dl><dt>${rule}${weight === 'must' ? '' : ` (${weight})`}</dt>
<dd><span class="quiet">expected</span> ${expected}</dd><dd><span class="quiet">actual</span> ${actual}</dd>${why === undefined ? '' : html`<dd class="quiet">${why}</dd>`}</dl>`,
)}
<p class="quiet">Again: <code>${result.replay}</code></p>
</article>
`,
)}
</section>
`;
}

/** Whether there is more to say of a case than its verdict. */
function isTold(result: CaseResult): boolean {
  return result.verdict !== 'pass' || result.findings.length > 0 || result.isKnownFailing;
}

function anchor(id: string, index: number): string {
  return `case-${index}-${id.replace('/', '-')}`;
}

const MARKS = {
  pass: { mark: '✓', means: 'the requirement is kept' },
  fail: { mark: '✗', means: 'it is not' },
  'honest-fail': { mark: '△', means: 'the client says that it could not finish' },
  inconclusive: { mark: '?', means: 'what the case is about never happened' },
} as const;

/** Text that is markup already. */
interface Markup {
  readonly text: string;
}

function raw(text: string): Markup {
  return { text };
}

/** Whatever is put in is escaped, unless it is markup. */
function html(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[])[]
): Markup {
  return raw(strings.reduce((text, string, index) => text + inserted(values[index - 1]!) + string));
}

function inserted(value: string | number | Markup | readonly Markup[]): string {
  if (typeof value !== 'object') return escapeHtml(`${value}`);
  return 'text' in value ? value.text : value.map(({ text }) => text).join('');
}

/** Every pair of colours keeps a contrast of 4.5 to 1. */
const STYLE = `
:root { color-scheme: light dark; --paper: light-dark(#fbfaf7, #15171a); --ink: light-dark(#1c2024, #e9e6df);
  --quiet: light-dark(#595f67, #a6abb2); --line: light-dark(#dfdbd2, #34383e); --pass: light-dark(#1d7549, #63cb95);
  --fail: light-dark(#b0241c, #ff938a); --honest: light-dark(#8a4f00, #f2b75f); --unsure: light-dark(#5648ab, #b6aaff); }
* { box-sizing: border-box; }
html { font: 1.0625rem/1.5 system-ui, sans-serif; background: var(--paper); color: var(--ink); }
body { margin: 0 auto; max-width: 72rem; padding: 2rem clamp(1rem, 4vw, 3rem) 5rem; }
h1, h2, h3 { line-height: 1.2; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin-bottom: 0.6rem; }
h3 { font-size: 1.05rem; }
p, ul, dl { margin: 0.4rem 0; padding: 0; }
ul { list-style: none; }
section { margin-top: 3rem; }
article { border-top: 1px solid var(--line); padding: 1rem 0; }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.clients { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr)); gap: 2rem; margin-top: 2rem; }
.key { display: flex; flex-wrap: wrap; gap: 0.2rem 1.5rem; font-size: 0.95rem; }
.pass { color: var(--pass); }
.fail { color: var(--fail); }
.honest-fail { color: var(--honest); }
.inconclusive { color: var(--unsure); }
.scroll { overflow-x: auto; margin-top: 1rem; }
.scroll:focus-visible, a:focus-visible { outline: 3px solid var(--unsure); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 1rem 0.5rem 0; border-top: 1px solid var(--line); }
th { font-weight: 600; min-width: 9rem; }
td { white-space: nowrap; }
tbody th[scope="row"] { font-weight: 400; }
.requirement { display: block; color: var(--quiet); font-size: 0.9rem; }
dl { padding-left: 1rem; border-left: 2px solid var(--line); overflow-wrap: anywhere; }
dt { font-weight: 600; }
dd { margin: 0; }
@media (max-width: 40rem) { .requirement { display: none; } }
`;
