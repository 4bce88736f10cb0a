import { fileURLToPath } from 'node:url';
import starlight from '@astrojs/starlight';
import { defineConfig } from 'astro/config';
import { lean } from '../playground/lean.ts';
import { fromAnyBase } from './from-any-base.ts';
import { sidebarOf } from './sidebar.ts';
import { readStaged } from './staged.ts';

const { catalog } = readStaged();

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  outDir: fileURLToPath(new URL('../dist', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../node_modules/.astro', import.meta.url)),
  trailingSlash: 'always',
  image: { service: { entrypoint: 'astro/assets/services/noop' } },
  devToolbar: { enabled: false },
  vite: {
    plugins: [fromAnyBase()],
    worker: { format: 'es', plugins: () => [lean()] },
    build: { assetsInlineLimit: 0 },
  },
  integrations: [
    starlight({
      title: 'steadfetch',
      description: 'API-client patterns you can copy or install, each proven against a provider as bad as real ones.',
      favicon: '/favicon.svg',
      logo: { src: './src/mark.svg' },
      customCss: [
        '@fontsource-variable/geist',
        '@fontsource-variable/geist-mono',
        './src/styles/theme.css',
        './src/styles/playground.css',
      ],
      components: {
        PageTitle: './src/components/PageTitle.astro',
        Footer: './src/components/Footer.astro',
        Search: './src/components/Search.astro',
      },
      sidebar: sidebarOf(catalog),
      expressiveCode: {
        // What scrolls sideways would need a name of its own.
        defaultProps: { wrap: true },
        themes: ['github-dark-default', 'github-light-default'],
        styleOverrides: { borderRadius: '0.6rem' },
      },
      pagination: false,
      credits: false,
      tableOfContents: { minHeadingLevel: 2, maxHeadingLevel: 3 },
      disable404Route: true,
    }),
  ],
});
