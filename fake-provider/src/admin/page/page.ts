import type { AdminRoute } from '../route.ts';
import { live } from './live.ts';
import { style } from './style.ts';

/** The live page: one file that asks no other origin for anything. */
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>fake-provider, live</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<div>
<h1>fake-provider</h1>
<p id="about" class="quiet">An API provider that behaves as badly as real ones do.</p>
</div>
<p id="status" role="status" class="quiet"></p>
<button id="pause" type="button" aria-pressed="false">Pause</button>
</header>
<main id="main" tabindex="-1">
<form id="gate" hidden>
<label for="token">Admin token</label>
<input id="token" type="password" autocomplete="off" required>
<button>Open</button>
</form>
<div id="live">
<section aria-labelledby="tally-title"><h2 id="tally-title">So far</h2><dl id="tally"></dl></section>
<section aria-labelledby="timeline-title">
<div class="row">
<h2 id="timeline-title">Timeline</h2>
<p><label for="span">Show</label>
<select id="span">
<option value="10">10 seconds</option>
<option value="60" selected>a minute</option>
<option value="600">10 minutes</option>
<option value="3600">an hour</option>
</select></p>
</div>
<ul id="key"></ul>
<svg id="timeline" role="img" aria-label="Requests by route and time." aria-describedby="same"></svg>
<p id="same" class="quiet small">The same is in the <a href="#requests-title">table of requests</a>.</p>
</section>
<section aria-labelledby="limits-title"><h2 id="limits-title">Limits</h2><ul id="limits"></ul></section>
<section aria-labelledby="faults-title"><h2 id="faults-title">Faults</h2><ul id="faults"></ul></section>
<section aria-labelledby="manners-title"><h2 id="manners-title">Manners</h2><ul id="manners"></ul></section>
<section aria-labelledby="requests-title">
<h2 id="requests-title">Requests</h2>
<div class="scroll" role="region" aria-label="Table of requests" tabindex="0">
<table>
<thead><tr><th scope="col">No.</th><th scope="col">Time (UTC)</th><th scope="col">Client</th><th scope="col">Request</th><th scope="col">Answer</th><th scope="col">Why</th></tr></thead>
<tbody id="rows"></tbody>
</table>
</div>
</section>
</div>
</main>
<noscript><p>This page needs JavaScript; the same figures are at /__admin/state.</p></noscript>
<script>(${live})()</script>
</body>
</html>
`;

/** Nothing from elsewhere, whatever ends up in the page. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const pageRoutes: readonly AdminRoute[] = ['GET /__admin', 'GET /__admin/'].map((name) => ({
  name,
  summary: 'the live page',
  isPublic: true,
  answer: () => ({
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY },
    body: page,
  }),
}));
