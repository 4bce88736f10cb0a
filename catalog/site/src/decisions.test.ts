import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { QUESTIONS } from './decisions.ts';

const answers = QUESTIONS.flatMap((question) => question.answers);

it('leads to every pattern, and to nothing else', () => {
  const packages = readdirSync(new URL('../../../packages/', import.meta.url)).sort();

  expect([...new Set(answers.flatMap(({ patterns = [] }) => patterns))].sort()).toEqual(packages);
});

it('asks every question somewhere, and none that is not there', () => {
  const [start, ...others] = QUESTIONS.map(({ id }) => id);

  expect(start).toBe('start');
  expect(answers.flatMap(({ next }) => next ?? []).sort()).toEqual(others.sort());
});
