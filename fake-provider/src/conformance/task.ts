import type { Task } from '../scenario.ts';

/** What a client is asked to do, as it is told. */
export function taskKind(task: Task | undefined): 'list' | 'create' | 'batch' {
  if (task === undefined || task === 'none') return 'list';
  return 'create' in task ? 'create' : 'batch';
}

/** How many records a client is to create. */
export function taskCount(task: Task | undefined): number {
  if (task === undefined || task === 'none') return 0;
  return 'create' in task ? task.create : task.batch;
}

/** The name that the n-th of them is to have, from 1. */
export const taskName = (n: number): string => `item ${n}`;
