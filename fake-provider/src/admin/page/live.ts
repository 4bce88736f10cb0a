/** What `/__admin/state` tells, as far as the page shows it. */
interface State {
  readonly profile: string;
  readonly seed: number;
  readonly nowMs: number;
  readonly isFrozen: boolean;
  readonly requests: Readonly<Record<'requests' | 'throttled' | 'failed' | 'tokenRequests', number>>;
  readonly limits: readonly Level[];
  readonly faults: {
    readonly configured: readonly Fault[];
    readonly added: readonly { readonly entry: Fault; readonly untilMs: number }[];
  };
  readonly manners: readonly Manner[];
  readonly entries: readonly Entry[];
}

interface Level {
  readonly name: string;
  readonly kind: string;
  readonly per: string;
  readonly caller?: string;
  readonly limit: number;
  readonly remaining: number;
  readonly resetAtMs: number;
}

interface Fault {
  readonly fault: string;
  readonly on: { readonly route?: string; readonly calls?: readonly number[]; readonly ratio?: number };
}

interface Manner {
  readonly verdict: string;
  readonly summary: string;
  readonly found: number;
  readonly findings: readonly {
    readonly sequences: readonly number[];
    readonly expected: string;
    readonly actual: string;
  }[];
}

interface Entry {
  readonly sequence: number;
  readonly atMs: number;
  readonly client: string;
  readonly method: string;
  readonly path: string;
  readonly route: string;
  readonly status: number;
  readonly simulated?: string;
  readonly attempt: number;
}

type Outcome = 'answered' | 'throttled' | 'failed' | 'refused';

/**
 * Runs in the browser. The page carries the text of this function, so it uses nothing from outside of itself.
 */
export function live(): void {
  const POLL_MS = 1_000;
  const MOST_ENTRIES = 3_000;
  const MOST_ROWS = 50;
  const MOST_LANES = 10;
  const MOST_SAMPLES = 120;
  const LANE_PX = 54;
  /** Below the line stands what went wrong, so that a crowd of good answers does not hide it. */
  const BELOW_PX = 13;
  /** The least that a curve spans: what drains is seen to drain from the first seconds on. */
  const FEWEST_SAMPLES = 20;
  const SVG = 'http://www.w3.org/2000/svg';
  const TOKEN = 'fake-provider-admin-token';

  let entries: Entry[] = [];
  let last = 0;
  let isPaused = false;
  let state: State | undefined;
  let said = '';
  const samples = new Map<string, { readonly atMs: number; readonly left: number }[]>();

  // A link may bring the token behind the #, which no server gets to see.
  const brought = new URLSearchParams(location.hash.slice(1)).get('token');
  if (brought !== null) {
    sessionStorage.setItem(TOKEN, brought);
    history.replaceState(undefined, '', location.pathname);
  }

  byId('pause').addEventListener('click', () => {
    isPaused = !isPaused;
    byId('pause').setAttribute('aria-pressed', `${isPaused}`);
    say(isPaused ? 'Paused.' : 'Live.');
  });
  byId('span').addEventListener('change', drawTimeline);
  addEventListener('resize', drawTimeline);
  byId('gate').addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, byId<HTMLInputElement>('token').value);
    poll();
  });
  setInterval(() => {
    if (!isPaused && !document.hidden) poll();
  }, POLL_MS);
  poll();

  async function poll(): Promise<void> {
    try {
      const token = sessionStorage.getItem(TOKEN);
      const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(`/__admin/state?after=${last}`, { headers });
      byId('gate').hidden = response.status !== 401;
      byId('live').hidden = response.status === 401;
      if (response.status === 401) return say(token === null ? 'Locked.' : 'This token is not the one.');
      if (!response.ok) return say(`The provider answered ${response.status}.`);
      const next = (await response.json()) as State;
      // Whatever was under way when somebody stopped the page comes too late.
      if (isPaused) return;
      take(next);
      say('Live.');
    } catch {
      if (!isPaused) say('The provider does not answer. Trying again.');
    }
  }

  function take(next: State): void {
    if (next.requests.requests < last) {
      entries = [];
      last = 0;
      samples.clear();
    }
    const fresh = next.entries.filter(({ sequence }) => sequence > last);
    const isFirst = state === undefined;
    state = next;
    entries = [...entries, ...fresh].slice(-MOST_ENTRIES);
    last = next.requests.requests;
    drawSummary(next);
    drawTimeline();
    drawLimits(next);
    drawFaults(next);
    drawManners(next);
    if (fresh.length > 0 || isFirst || entries.length === 0) drawTable();
  }

  function drawSummary({ profile, seed, nowMs, isFrozen, requests, manners }: State): void {
    const found = manners.reduce((sum, manner) => sum + manner.found, 0);
    const time = new Date(nowMs).toISOString().replace('T', ' ').slice(0, 19);
    fill('about', `Profile ${profile}, seed ${seed}. ${time} UTC${isFrozen ? ', standing still' : ''}.`);
    const figures = { Requests: requests.requests, Throttled: requests.throttled, Failed: requests.failed };
    const all = { ...figures, 'Token requests': requests.tokenRequests, 'Bad manners': found };
    fill(
      'tally',
      ...Object.entries(all).map(([name, n]) =>
        el('div', {}, el('dt', {}, name), el('dd', {}, n.toLocaleString('en'))),
      ),
    );
  }

  function drawTimeline(): void {
    if (state === undefined) return;
    const spanMs = Number(byId<HTMLSelectElement>('span').value) * 1_000;
    const toMs = state.nowMs;
    const shown = entries.filter(({ atMs }) => atMs > toMs - spanMs && atMs <= toMs);
    const routes = [...new Set(entries.map(({ route }) => route))].slice(0, MOST_LANES);
    const svg = byId('timeline');
    const width = Math.max(200, svg.parentElement!.clientWidth);
    const height = Math.max(1, routes.length) * LANE_PX + 22;
    const x = (atMs: number): string => (8 + ((atMs - toMs + spanMs) / spanMs) * (width - 16)).toFixed(1);
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('height', `${height}`);

    const lanes = routes.flatMap((route, lane) => {
      const y = lane * LANE_PX + 34;
      return [draw('text', { x: 0, y: y - 16 }, route), draw('line', { x1: 0, x2: width, y1: y, y2: y })];
    });
    const marks = shown
      .filter(({ route }) => routes.includes(route))
      .map((entry) => {
        const outcome = outcomeOf(entry);
        const y = routes.indexOf(entry.route) * LANE_PX + 34 + (outcome === 'answered' ? 0 : BELOW_PX);
        return mark(outcome, `translate(${x(entry.atMs)} ${y})`);
      });
    const none = routes.length === 0 ? [draw('text', { x: 0, y: 18 }, 'Nothing has been asked yet.')] : [];
    const ends = [
      draw('text', { x: 0, y: height - 2 }, `−${spanMs / 1_000} s`),
      draw('text', { x: width, y: height - 2, 'text-anchor': 'end' }, 'now'),
    ];
    svg.replaceChildren(...lanes, ...marks, ...none, ...ends);
    const count = (outcome: Outcome): number => shown.filter((entry) => outcomeOf(entry) === outcome).length;
    const sum = (['answered', 'throttled', 'failed', 'refused'] as const).map((each) => `${count(each)} ${each}`);
    svg.setAttribute(
      'aria-label',
      `Requests by route and time. In the last ${spanMs / 1_000} seconds: ${sum.join(', ')}.`,
    );
  }

  function drawLimits({ limits, nowMs }: State): void {
    const items = limits.map((level) => {
      const key = `${level.name} ${level.caller ?? ''}`;
      const kept = samples.get(key) ?? [];
      const left = level.remaining / level.limit;
      const latest = kept.at(-1);
      if (latest?.atMs !== nowMs || latest.left !== left) kept.push({ atMs: nowMs, left });
      if (kept.length > MOST_SAMPLES) kept.shift();
      samples.set(key, kept);
      const whole = level.remaining >= level.limit ? 'whole' : `whole again in ${duration(level.resetAtMs - nowMs)}`;
      const whose = level.caller === undefined ? 'nobody yet' : level.caller || 'everyone';
      return el(
        'li',
        { class: level.remaining < 1 ? 'level spent' : 'level' },
        el(
          'div',
          { class: 'row' },
          el('h3', {}, level.name),
          el(
            'p',
            { class: 'figure' },
            `${level.remaining.toLocaleString('en')} of ${level.limit.toLocaleString('en')} left`,
          ),
        ),
        el('p', { class: 'quiet small' }, `${level.kind} per ${level.per}: ${whose}; ${whole}`),
        curve(kept),
      );
    });
    fill('limits', ...(items.length > 0 ? items : [el('li', { class: 'quiet' }, 'No limit is set.')]));
  }

  /** What was left over time, drawn from the right edge, and a bar of what is left now. */
  function curve(kept: readonly { readonly left: number }[]): Element {
    const span = Math.max(FEWEST_SAMPLES, kept.length) - 1;
    const first = span - kept.length + 1;
    const points = kept.map(({ left }, index) => `${first + index},${(100 - left * 96).toFixed(1)}`);
    return draw(
      'svg',
      { viewBox: `0 0 ${span} 100`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      draw('polygon', { points: `${first},100 ${points.join(' ')} ${span},100` }),
      draw('polyline', { points: points.join(' ') }),
      draw('rect', { y: 92, width: (kept.at(-1)?.left ?? 0) * span, height: 8 }),
    );
  }

  function drawFaults({ faults, nowMs }: State): void {
    const row = ({ fault, on }: Fault, note: string): Element =>
      el('li', { class: 'row' }, el('h3', {}, el('code', {}, fault)), el('p', { class: 'quiet' }, when(on) + note));
    const items = [
      ...faults.added.map(({ entry, untilMs }) => row(entry, `, for ${duration(untilMs - nowMs)} more`)),
      ...faults.configured.map((fault) => row(fault, '')),
    ];
    fill('faults', ...(items.length > 0 ? items : [el('li', { class: 'quiet' }, 'None is set.')]));
  }

  function when({ route, calls, ratio }: Fault['on']): string {
    const where = route ?? 'every route';
    const which = [
      ...(calls === undefined ? [] : [`request ${calls.join(', ')} of a client`]),
      ...(ratio === undefined ? [] : [`${+(ratio * 100).toFixed(2)} % of requests`]),
    ];
    return `${where}: ${which.length > 0 ? which.join(', and ') : 'always'}`;
  }

  function drawManners({ manners }: State): void {
    const sorted = [...manners].sort((one, other) => other.found - one.found);
    fill(
      'manners',
      ...sorted.map(({ verdict, summary, found, findings }) =>
        el(
          'li',
          {},
          el(
            'div',
            { class: 'row' },
            el('h3', {}, verdict),
            el('p', { class: found > 0 ? 'broken' : 'kept' }, found > 0 ? `✕ broken ${times(found)}` : '✓ kept'),
          ),
          el('p', { class: 'quiet small' }, summary),
          ...findings.map(({ sequences, expected, actual }) =>
            el('p', { class: 'small finding' }, `#${sequences.at(-1)}: expected ${expected}; got ${actual}`),
          ),
        ),
      ),
    );
  }

  function drawTable(): void {
    const rows = entries
      .slice(-MOST_ROWS)
      .reverse()
      .map((entry) => {
        const { sequence, atMs, client, method, path, status, simulated, attempt } = entry;
        const answer = status === 0 ? 'broken' : `${status}`;
        const why = [simulated ?? '', attempt > 1 ? `attempt ${attempt}` : ''].filter((text) => text !== '').join(', ');
        const cells = [`${sequence}`, new Date(atMs).toISOString().slice(11, 23), client, `${method} ${path}`];
        return el(
          'tr',
          {},
          ...cells.map((text) => el('td', {}, text)),
          el(
            'td',
            {},
            draw(
              'svg',
              { viewBox: '-7 -7 14 14', width: 12, height: 12, 'aria-hidden': 'true' },
              mark(outcomeOf(entry)),
            ),
            ` ${answer}`,
          ),
          el('td', {}, why),
        );
      });
    fill(
      'rows',
      ...(rows.length > 0 ? rows : [el('tr', {}, el('td', { colspan: '6' }, 'Nothing has been asked yet.'))]),
    );
  }

  function outcomeOf({ status, simulated }: Entry): Outcome {
    if (status === 0 || status >= 500) return 'failed';
    if (status === 429) return 'throttled';
    if (status >= 400) return 'refused';
    return simulated === undefined ? 'answered' : 'failed';
  }

  /** One shape for each outcome, so that nobody needs the colours. */
  function mark(outcome: Outcome, transform = ''): Element {
    const shapes: Record<Outcome, string> = {
      answered: 'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0',
      throttled: 'M0 -6L6 0L0 6L-6 0Z',
      failed: 'M-5 -3L-3 -5L0 -2L3 -5L5 -3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0Z',
      refused: 'M0 -6L6 5L-6 5Z',
    };
    return draw('path', { d: shapes[outcome], class: outcome, ...(transform === '' ? {} : { transform }) });
  }

  function times(count: number): string {
    return count === 1 ? 'once' : `${count} times`;
  }

  function duration(ms: number): string {
    const seconds = Math.max(0, Math.ceil(ms / 1_000));
    if (seconds < 120) return `${seconds} s`;
    return seconds < 7_200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3_600)} h`;
  }

  /** Tells a screen reader once, and not every second. */
  function say(text: string): void {
    if (text !== said) byId('status').textContent = text;
    said = text;
  }

  function fill(id: string, ...children: (Element | string)[]): void {
    byId(id).replaceChildren(...children);
  }

  function byId<Kind extends HTMLElement>(id: string): Kind {
    return document.getElementById(id) as Kind;
  }

  function el(name: string, attributes: Record<string, string>, ...children: (Element | string)[]): HTMLElement {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function draw(name: string, attributes: Record<string, string | number>, ...children: (Element | string)[]): Element {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, `${value}`);
    element.append(...children);
    return element;
  }

  for (const outcome of ['answered', 'throttled', 'failed', 'refused'] as const) {
    const words = {
      answered: 'answered',
      throttled: 'throttled (429)',
      failed: 'failed or spoilt',
      refused: 'refused (4xx)',
    };
    const shape = draw('svg', { viewBox: '-7 -7 14 14', 'aria-hidden': 'true' }, mark(outcome));
    byId('key').append(el('li', {}, shape, words[outcome]));
  }
}
