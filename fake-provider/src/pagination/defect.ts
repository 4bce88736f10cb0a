import type { z } from 'zod';
import type { Resource } from '../data/resource.ts';
import type { PaginationName } from './index.ts';
import type { Page } from './pagination.ts';
import type { ParamName, Params } from './params.ts';

/** What a defect may know about the listing request it spoils. */
export interface DefectSite {
  readonly resource: Resource;
  readonly pagination: PaginationName;
  readonly params: Params;
  /** The n-th request of this client for this listing, from 1. */
  readonly nth: number;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** A number in [0, 1) that is the same in every replay; `label` tells apart several for one request. */
  chance(label: string): number;
}

/** Reads the page that was asked for, or the one that other parameters would ask for; `undefined` leaves one out. */
export type ReadPage = (change?: Readonly<Partial<Record<ParamName, string | undefined>>>) => Page;

/** A way in which a provider's pages are wrong. When they are is the configuration's to say. */
export interface Defect<Name extends string = string, Options extends z.ZodType = z.ZodType> {
  /** The name used in a configuration: what a reader meets. */
  readonly name: Name;
  /** One line for people who choose. */
  readonly summary: string;
  /** What can be set. */
  readonly options: Options;
  /** The paginations that can show it; all, if left out. */
  readonly paginations?: readonly PaginationName[];
  /** Answers in place of `read`, or changes what it read. */
  apply(options: z.output<Options>, read: ReadPage, site: DefectSite): Page;
}

/** Keeps the types of the name and the options. */
export function defineDefect<const Name extends string, Options extends z.ZodType>(
  defect: Defect<Name, Options>,
): Defect<Name, Options> {
  return defect;
}
