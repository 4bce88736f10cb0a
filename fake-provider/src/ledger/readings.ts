/** What a client could have seen of each resource, from any moment on. */
export interface Readings {
  /** A listing of a resource at a revision, by the request with this sequence number. */
  add(sequence: number, listed: { readonly resource: string; readonly revision: number }): void;
  /** The revisions of the first and the last listing after the request with sequence number `after`. */
  after(after: number, resource: string): { readonly from: number; readonly to: number } | undefined;
}

/** Listings that found the resource unchanged, and so need no place of their own. */
interface Stretch {
  lastSequence: number;
  readonly revision: number;
}

/** Makes empty readings. They grow with the changes that were seen, not with the requests. */
export function createReadings(): Readings {
  const stretches = new Map<string, Stretch[]>();
  return {
    add(sequence, { resource, revision }) {
      const seen = stretches.get(resource) ?? [];
      const last = seen.at(-1);
      if (last?.revision === revision) last.lastSequence = sequence;
      else seen.push({ lastSequence: sequence, revision });
      stretches.set(resource, seen);
    },
    after(after, resource) {
      const seen = stretches.get(resource) ?? [];
      const first = seen.find(({ lastSequence }) => lastSequence > after);
      return first === undefined ? undefined : { from: first.revision, to: seen.at(-1)!.revision };
    },
  };
}
