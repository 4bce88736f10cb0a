import type { ProviderRecord } from '../data/record.ts';
import type { Resource } from '../data/resource.ts';

/** What a client should have delivered, against what it did. */
export interface DeliveryVerdict {
  /** How many records existed from the client's first listing request to its last. */
  readonly expected: number;
  /** How many records the client delivered, repeats included. */
  readonly delivered: number;
  /** The ids of records that existed throughout and were not delivered. */
  readonly lost: readonly string[];
  /** The ids delivered again, once for each time too many. */
  readonly duplicated: readonly string[];
  /** The ids delivered that did not exist at any moment of the reading. */
  readonly invented: readonly string[];
  /** The ids whose content is not what the provider sent. */
  readonly corrupted: readonly string[];
}

/** Holds what a client delivered against what the resource held while it was read, between two revisions. */
export function judgeDelivery(
  resource: Resource,
  delivered: Iterable<Partial<ProviderRecord> & { readonly id: string }>,
  { from, to }: { readonly from: number; readonly to: number },
): DeliveryVerdict {
  const seen = new Set<number>();
  const duplicated: string[] = [];
  const invented: string[] = [];
  const corrupted: string[] = [];
  let count = 0;

  for (const record of delivered) {
    count += 1;
    const key = resource.keyOf(record.id);
    if (key === undefined || !resource.collection.existedWithin(key, from, to)) invented.push(record.id);
    else if (seen.has(key)) duplicated.push(record.id);
    else if (!isGenuine(record, resource, key)) corrupted.push(record.id);
    if (key !== undefined) seen.add(key);
  }

  const lost: string[] = [];
  let expected = 0;
  for (const key of resource.collection.existedThroughout(from, to)) {
    expected += 1;
    if (!seen.has(key)) lost.push(resource.recall(key).id);
  }
  return { expected, delivered: count, lost, duplicated, invented, corrupted };
}

/** Whether nothing was lost, repeated, invented or corrupted. */
export function isFaultless({ lost, duplicated, invented, corrupted }: DeliveryVerdict): boolean {
  return [lost, duplicated, invented, corrupted].every((ids) => ids.length === 0);
}

/** Whether a record carries what was sent, as far as it carries anything. An older version is genuine too. */
function isGenuine(delivered: Partial<ProviderRecord>, resource: Resource, key: number): boolean {
  const { version: latest } = resource.recall(key);
  const versions = Array.from({ length: latest }, (_, index) => resource.recall(key, index + 1));
  return versions.some((truth) =>
    Object.entries(truth).every(([field, value]) => {
      const claim = delivered[field as keyof ProviderRecord];
      return claim === undefined || claim === value || JSON.stringify(claim) === JSON.stringify(value);
    }),
  );
}
