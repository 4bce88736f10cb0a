import type { Dialect } from './dialect.ts';
import { discord } from './discord.ts';
import { github } from './github.ts';
import { google } from './google.ts';
import { hubspot } from './hubspot.ts';
import { ietf } from './ietf.ts';
import { mixpanel } from './mixpanel.ts';
import { neutral } from './neutral.ts';
import { notion } from './notion.ts';
import { openai } from './openai.ts';
import { salesforce } from './salesforce.ts';
import { shopify } from './shopify.ts';
import { slack } from './slack.ts';
import { stripe } from './stripe.ts';
import { x } from './x.ts';
import { zendesk } from './zendesk.ts';

/** Every dialect, by the name used in a configuration. */
export const dialects = {
  neutral,
  ietf,
  github,
  stripe,
  hubspot,
  salesforce,
  slack,
  shopify,
  zendesk,
  discord,
  x,
  mixpanel,
  notion,
  openai,
  google,
} as const satisfies Readonly<Record<string, Dialect>>;
