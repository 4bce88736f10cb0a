import { z } from 'zod';
import type { Reply } from './call.ts';
import type { Problem } from './problem.ts';

/** What a fault may know about the request it spoils. */
export interface FaultSite {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** A number in [0, 1) that is the same in every replay; `label` tells apart several for one request. */
  chance(label: string): number;
  /** Words a problem as this provider does. */
  answer(problem: Problem): Reply;
}

/** A fault says how a request goes wrong. When it does is the configuration's or the scenario's to say. */
export interface Fault<Name extends string = string, Options extends z.ZodType = z.ZodType> {
  /** The name used in a configuration: what the wire shows. */
  readonly name: Name;
  /** One line for people who choose. */
  readonly summary: string;
  /** What can be set. */
  readonly options: Options;
  /** Answers in place of `next`, or after it. Calling `next` serves the request, with all its effects. */
  apply(options: z.output<Options>, next: () => Reply, site: FaultSite): Reply;
}

/** Keeps the types of the name and the options. */
export function defineFault<const Name extends string, Options extends z.ZodType>(
  fault: Fault<Name, Options>,
): Fault<Name, Options> {
  return fault;
}

/** `before`: the request had no effect. `after`: it had, but its answer is lost. */
export const when: z.ZodDefault<z.ZodEnum<{ before: 'before'; after: 'after' }>> = z
  .enum(['before', 'after'])
  .default('before');

/** Changes an answer, unless a fault nearer to the provider keeps it from being sent as it is. */
export function spoil(reply: Reply, change: (reply: Reply) => Reply): Reply {
  return reply.wire === undefined ? change(reply) : reply;
}

/** The size of a text on the wire. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
