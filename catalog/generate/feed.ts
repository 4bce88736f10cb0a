import { Feed } from 'feed';
import type { Catalog } from './catalog.ts';

/** Atom: an entry for each pattern as it is now, dated by when it was last verified, the newest first. */
export function atomFeed({ patterns }: Catalog, baseUrl: string): string {
  const entries = patterns
    .flatMap(({ evidence, ...pattern }) => (evidence ? [{ ...pattern, evidence }] : []))
    .toSorted((one, other) => compare(other.evidence.date, one.evidence.date) || compare(one.name, other.name));
  const feed = new Feed({
    title: 'steadfetch',
    description: 'API-client patterns you can copy or install, and when each was last verified.',
    id: baseUrl,
    link: baseUrl,
    feedLinks: { atom: `${baseUrl}feed.xml` },
    updated: new Date(entries[0]?.evidence.date ?? 0),
    copyright: 'MIT licence',
    generator: 'steadfetch',
  });
  for (const { name, title, version, description, sourceSha256, evidence } of entries) {
    feed.addItem({
      id: `${baseUrl}patterns/${name}/#${sourceSha256}`,
      title: `${title} ${version}`,
      link: `${baseUrl}patterns/${name}/`,
      description: `${description} Verified ${evidence.date} on ${evidence.runtime}, commit ${evidence.commit.slice(0, 7)}.`,
      date: new Date(evidence.date),
      author: [{ name: 'steadfetch' }],
    });
  }
  return feed.atom1();
}

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
