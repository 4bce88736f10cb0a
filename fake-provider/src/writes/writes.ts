import type { Arrival } from '../arrival.ts';
import type { Reply } from '../call.ts';
import type { Config } from '../config.ts';
import type { ProviderRecord } from '../data/record.ts';
import type { Resource } from '../data/resource.ts';
import type { Dialect, WriteSite } from '../dialects/dialect.ts';
import { invalidParameter, Problem } from '../problem.ts';
import { operationOf, type Planned, runBatch } from './batch.ts';
import { isObject, readFields } from './fields.ts';
import { createIdempotency } from './idempotency.ts';

/** Every write of a provider. */
export interface Writes {
  /**
   * Creates, updates or deletes, once for each idempotency key.
   *
   * @throws `Problem` naming the field at fault.
   */
  answer(resource: Resource, arrival: Arrival): Reply;
}

/** Makes the writes that are configured, in the words of the dialect. */
export function createWrites({ resources, seed, idempotency }: Config, dialect: Dialect): Writes {
  const { once } = createIdempotency(idempotency);

  function carryOut(resource: Resource, arrival: Arrival): Reply {
    const { call, nowMs, requestId } = arrival;
    const { route, id } = arrival.match!;
    const { name } = resource;
    const { required, batch } = resources[name]!;
    const site: WriteSite = {
      call,
      route: route.name,
      resource: name,
      failedStatus: batch.status,
      word: (record) => dialect.record(record, name),
      nowMs,
      requestId,
    };
    switch (route.operation) {
      case 'create':
        return dialect.created(resource.create(readFields(dialect.input(call, 'create'), required)), site);
      case 'update': {
        found(resource, id!);
        return dialect.updated(resource.update(id!, readFields(dialect.input(call, 'update'), []))!, site);
      }
      case 'delete':
        resource.remove(found(resource, id!).id);
        return dialect.deleted(id!, site);
      default: {
        const plan = (item: unknown): Planned => planItem(resource, item, required);
        const results = runBatch(dialect.input(call, 'batch'), batch, { arrival, seed, plan });
        return dialect.batch(results, site);
      }
    }
  }

  return { answer: (resource, arrival) => once(arrival, () => carryOut(resource, arrival)) };
}

/** Checks one item of a batch. */
function planItem(resource: Resource, item: unknown, required: readonly string[]): Planned {
  const operation = operationOf(item);
  if (operation === 'create') {
    const fields = readFields(item, required);
    return { operation, carryOut: () => resource.create(fields) };
  }
  const { id, ...rest } = isObject(item) ? item : {};
  if (typeof id !== 'string') throw invalidParameter('id', 'must be a text');
  found(resource, id);
  if (operation === 'delete') {
    return { operation, id, carryOut: () => void resource.remove(found(resource, id).id) };
  }
  const fields = readFields(rest, []);
  return {
    operation,
    id,
    carryOut: () => resource.update(found(resource, id).id, fields),
  };
}

function found(resource: Resource, id: string): ProviderRecord {
  const record = resource.get(id);
  if (record === undefined) throw new Problem(404, 'not_found', `no such record in ${resource.name}`, { field: 'id' });
  return record;
}
