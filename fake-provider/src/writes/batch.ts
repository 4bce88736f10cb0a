import type { Arrival } from '../arrival.ts';
import { chance } from '../chance.ts';
import type { Config } from '../config.ts';
import type { ProviderRecord } from '../data/record.ts';
import { invalidParameter, Problem } from '../problem.ts';
import { isObject } from './fields.ts';

/** What became of one item of a batch. */
export interface ItemResult {
  /** Its place in the batch, from 0. */
  readonly index: number;
  readonly operation: 'create' | 'update' | 'delete';
  /** The status that it would have had alone. */
  readonly status: number;
  /** The id that the item named, if it named one. */
  readonly id?: string;
  /** The record as it is now; absent where the item failed, or deleted it. */
  readonly record?: ProviderRecord;
  /** Why it failed. */
  readonly problem?: Problem;
}

/** An item that can be carried out; it was checked before. */
export interface Planned {
  readonly operation: ItemResult['operation'];
  readonly id?: string;
  carryOut(): ProviderRecord | undefined;
}

type BatchOptions = Config['resources'][string]['batch'];

/**
 * Carries out what can be carried out of a batch.
 *
 * @param plan - Checks one item; throws `Problem`, where it cannot be carried out.
 * @throws {@link Problem} where the whole batch fails: for its size, or for one item that poisons it.
 */
export function runBatch(
  input: unknown,
  options: BatchOptions,
  { arrival, seed, plan }: { arrival: Arrival; seed: number; plan(item: unknown): Planned },
): readonly ItemResult[] {
  if (!Array.isArray(input) || input.length === 0) throw invalidParameter('items', 'must be an array of items');
  const items: readonly unknown[] = input;
  if (items.length > options.maxItems) {
    const message = `items must be at most ${options.maxItems}, got ${items.length}`;
    throw new Problem(options.tooManyStatus, 'too_many_items', message, { field: 'items' });
  }
  if (items.some((item) => isPoison(item, options.poison, seed))) {
    throw new Problem(options.poison.status, 'batch_failed', 'the batch could not be processed', { field: 'items' });
  }

  const plans = items.map((item, index) => attempt(item, index));
  if (options.atomic && plans.some((planned) => planned instanceof Problem)) {
    const undone = new Problem(424, 'failed_dependency', 'another item of the batch failed');
    return plans.map((planned, index) => failed(items[index], index, planned instanceof Problem ? planned : undone));
  }
  return plans.map((planned, index) => {
    if (planned instanceof Problem) return failed(items[index], index, planned);
    try {
      return succeeded(planned, index);
    } catch (error) {
      // An earlier item of the batch may have deleted what this one is about.
      if (error instanceof Problem) return failed(items[index], index, error);
      throw error;
    }
  });

  function attempt(item: unknown, index: number): Planned | Problem {
    const { ratio, status } = options.failures;
    if (arrival.chance(`item-${index}`) < ratio)
      return new Problem(status, 'item_failed', 'the item could not be saved');
    try {
      return plan(item);
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  }
}

/** By what the item says, not by where it stands: a client that halves the batch finds it. */
export function isPoison(item: unknown, { ratio, names }: BatchOptions['poison'], seed: number): boolean {
  if (isObject(item) && typeof item.name === 'string' && names.includes(item.name)) return true;
  return ratio > 0 && chance(seed, 'poison', JSON.stringify(item) ?? '') < ratio;
}

const STATUSES = { create: 201, update: 200, delete: 204 } as const;

function succeeded(planned: Planned, index: number): ItemResult {
  const { operation, id } = planned;
  const record = planned.carryOut();
  return {
    ...{ index, operation, status: STATUSES[operation] },
    ...(id !== undefined && { id }),
    ...(record !== undefined && { record }),
  };
}

function failed(item: unknown, index: number, problem: Problem): ItemResult {
  const id = isObject(item) && typeof item.id === 'string' ? { id: item.id } : {};
  return { index, operation: operationOf(item), status: problem.status, ...id, problem };
}

/** An item with an id is about the record that has it; `delete: true` deletes that. */
export function operationOf(item: unknown): ItemResult['operation'] {
  if (!isObject(item) || item.id === undefined) return 'create';
  return item.delete === true ? 'delete' : 'update';
}
