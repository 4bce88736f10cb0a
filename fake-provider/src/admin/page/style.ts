/** How the live page looks. Every pair of colours keeps a contrast of 4.5 to 1, marks one of 3 to 1. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#fbfaf7, #15171a);
  --ink: light-dark(#1c2024, #e9e6df);
  --quiet: light-dark(#595f67, #a6abb2);
  --line: light-dark(#dfdbd2, #34383e);
  --answered: light-dark(#1d7549, #63cb95);
  --throttled: light-dark(#945600, #f2b75f);
  --failed: light-dark(#b0241c, #ff938a);
  --refused: light-dark(#5648ab, #b6aaff);
}
* { box-sizing: border-box; }
html { font: 1.0625rem/1.55 system-ui, sans-serif; background: var(--paper); color: var(--ink); }
body { margin: 0 auto; max-width: 68rem; padding: 0 clamp(1rem, 4vw, 3rem) 5rem; }
h1, h2, h3 { line-height: 1.2; letter-spacing: -0.015em; margin: 0; font-weight: 600; }
h1 { font-size: clamp(1.7rem, 5vw, 2.5rem); }
h2 { font-size: 1.35rem; margin-bottom: 1rem; }
h3 { font-size: 1rem; letter-spacing: 0; }
p, ul, dl { margin: 0; padding: 0; }
ul { list-style: none; }
a { color: inherit; text-underline-offset: 0.2em; }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
section { margin-top: 3.5rem; }
header { padding-top: clamp(1.5rem, 5vw, 3.5rem); display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: end; }
header > div { flex: 1 1 16rem; }
button, select, input { font: inherit; color: inherit; background: transparent; border: 1px solid var(--quiet);
  border-radius: 0.4rem; padding: 0.3rem 0.9rem; min-height: 2.4rem; max-width: 100%; }
option { background: var(--paper); }
button { cursor: pointer; }
button[aria-pressed="true"] { background: var(--ink); color: var(--paper); }
:focus-visible { outline: 3px solid var(--refused); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--paper); }
.quiet { color: var(--quiet); }
.small { font-size: 0.9rem; }
.row { display: flex; flex-wrap: wrap; gap: 0.4rem 1.5rem; align-items: baseline; justify-content: space-between; }
[hidden] { display: none !important; }
#tally { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr)); gap: 1.5rem; }
#tally div { display: flex; flex-direction: column-reverse; }
#tally dd { margin: 0; font-size: 2.1rem; line-height: 1.15; font-variant-numeric: tabular-nums; font-weight: 300; }
#tally dt { color: var(--quiet); font-size: 0.95rem; }
#key { display: flex; flex-wrap: wrap; gap: 0.2rem 1.4rem; font-size: 0.95rem; margin: 0.5rem 0 1rem; }
#key svg { width: 0.9rem; height: 0.9rem; margin-right: 0.4rem; vertical-align: -0.1rem; }
#timeline { display: block; width: 100%; overflow: visible; }
#timeline text { font: 13px ui-monospace, monospace; fill: var(--quiet); }
#timeline line { stroke: var(--line); }
.answered { fill: var(--answered); }
.throttled { fill: var(--throttled); }
.failed { fill: var(--failed); }
.refused { fill: var(--refused); }
#limits, #manners { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 2rem; }
.level svg { display: block; width: 100%; height: 3.5rem; margin-top: 0.6rem; border-bottom: 1px solid var(--quiet); }
.level polygon { fill: var(--answered); opacity: 0.35; }
.level polyline { fill: none; stroke: var(--answered); stroke-width: 2; vector-effect: non-scaling-stroke; }
.level rect { fill: var(--answered); }
.level.spent rect, .level.spent polygon { fill: var(--throttled); }
.level.spent polyline { stroke: var(--throttled); }
.figure { font-variant-numeric: tabular-nums; }
#faults li { padding: 0.6rem 0; border-top: 1px solid var(--line); }
#manners { gap: 1.3rem 2rem; }
.kept { color: var(--answered); }
.broken { color: var(--failed); }
#same { margin-top: 0.8rem; }
.finding { margin-top: 0.4rem; padding-left: 0.7rem; border-left: 2px solid var(--failed); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.45rem 1rem 0.45rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; white-space: nowrap; }
th { color: var(--quiet); font-weight: 500; }
td:nth-child(4) { white-space: normal; min-width: 12rem; }
@media (max-width: 40rem) {
  /* What came of a request is worth more room than who sent it. */
  th:nth-child(3), td:nth-child(3) { display: none; }
  table { font-size: 0.8rem; }
  th, td { padding-right: 0.4rem; }
  td:nth-child(4) { min-width: 4.5rem; overflow-wrap: anywhere; }
  td:nth-child(6) { white-space: normal; min-width: 4rem; overflow-wrap: anywhere; }
}
#gate { margin-top: 3rem; display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; }
@media (forced-colors: active) { .answered, .throttled, .failed, .refused { fill: CanvasText; } }
`;
