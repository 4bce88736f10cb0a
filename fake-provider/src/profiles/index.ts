import { neutral } from './default.ts';
import { discord } from './discord.ts';
import { github } from './github.ts';
import { google } from './google.ts';
import { hubspot } from './hubspot.ts';
import { ietf } from './ietf.ts';
import { mixpanel } from './mixpanel.ts';
import { notion } from './notion.ts';
import { openai } from './openai.ts';
import type { Profile } from './profile.ts';
import { salesforce } from './salesforce.ts';
import { shopify } from './shopify.ts';
import { slack } from './slack.ts';
import { stripe } from './stripe.ts';
import { x } from './x.ts';
import { zendesk } from './zendesk.ts';

/** Every profile, by the name used in a configuration. */
export const profiles = {
  default: neutral,
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
  ietf,
} as const satisfies Readonly<Record<string, Profile>>;
