export { ClientStartError } from './client.ts';
export { matrixReport } from './html.ts';
export type { CaseFinding, CaseVerdict, Weight } from './judge.ts';
export { junitReport } from './junit.ts';
export { type CaseResult, type ConformanceReport, parseReport } from './report.ts';
export { type ConformanceOptions, cases, exitCodeOf, runConformance } from './run.ts';
export { terminalReport } from './terminal.ts';
