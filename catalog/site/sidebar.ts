import { readdirSync } from 'node:fs';
import type { StarlightUserConfig } from '@astrojs/starlight/types';
import type { Catalog } from '../generate/catalog.ts';

/** The categories in the order of the sidebar, and how they are called. */
export const CATEGORIES: Readonly<Record<Catalog['patterns'][number]['pattern']['category'], string>> = {
  resilience: 'Resilience',
  'rate-limit': 'Rate limits',
  auth: 'Auth',
  pagination: 'Pagination',
  jobs: 'Jobs',
  observability: 'Observability',
};

/** Everything there is, for the left side of each page. */
export function sidebarOf({ patterns }: Catalog): NonNullable<StarlightUserConfig['sidebar']> {
  return [
    {
      label: 'Start',
      items: [
        { label: 'All patterns', link: '/' },
        { label: 'Which one do I need?', link: '/choose/' },
        { label: 'Compare', link: '/compare/' },
        { label: 'Playground', link: '/playground/' },
      ],
    },
    ...Object.entries(CATEGORIES).map(([category, label]) => ({
      label,
      items: patterns
        .filter(({ pattern }) => pattern.category === category)
        .map(({ name, title }) => ({ label: title, link: `/patterns/${name}/` })),
    })),
    {
      label: 'Guides',
      items: [
        { label: 'Getting started', link: '/guides/getting-started/' },
        { label: 'Composing policies', link: '/guides/composing/' },
        { label: 'Testing your client', link: '/guides/testing/' },
        { label: 'Writing a pattern', link: '/guides/writing-a-pattern/' },
      ],
    },
    {
      label: 'Fake provider',
      items: [
        { label: 'Scenarios', link: '/scenarios/' },
        { label: 'Conformance', link: '/conformance/' },
        { label: 'Profiles and faults', link: '/provider/' },
      ],
    },
    {
      label: 'API',
      collapsed: true,
      items: [
        { label: 'Overview', link: '/api/' },
        ...apiPages().map((name) => ({ label: name, link: `/api/${name}/` })),
      ],
    },
  ];
}

function apiPages(): string[] {
  const pages = readdirSync(new URL('src/content/docs/api/', import.meta.url), { recursive: true, encoding: 'utf8' });
  return pages
    .filter((page) => page.endsWith('.md') && page !== 'index.md')
    .map((page) => page.replace(/\.md$/, ''))
    .sort();
}
