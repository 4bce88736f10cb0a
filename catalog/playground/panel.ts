import type { Shown } from './markup.ts';
import type { Side } from './play.ts';
import type { Order } from './worker.ts';

/** Brings a playground to life whose still picture is on the page already. */
export function open(panel: HTMLElement): void {
  const form = panel.querySelector('form')!;
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const status = panel.querySelector<HTMLElement>('[data-status]')!;
  let ordered = 0;

  worker.onmessage = ({ data }: MessageEvent<{ id: number; shown?: Shown; error?: string }>) => {
    if (data.id !== ordered) return;
    panel.removeAttribute('aria-busy');
    if (data.shown === undefined) status.textContent = `It could not be run: ${data.error}`;
    else present(panel, data.shown, status);
  };
  worker.onerror = () => {
    status.textContent = 'It could not be run: this browser does not load the worker.';
  };

  const run = (): void => {
    ordered += 1;
    panel.setAttribute('aria-busy', 'true');
    worker.postMessage({ id: ordered, pattern: panel.dataset.play!, ...settings(form) } satisfies Order);
  };
  const changed = (): void => {
    label(form);
    remember(form);
    run();
  };

  recall(form);
  label(form);
  form.addEventListener('input', changed);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(changed));
  form.querySelector('[data-another]')!.addEventListener('click', () => {
    const seed = field(form, 'seed');
    seed.value = `${(Number(seed.value) % Number(seed.max)) + 1}`;
    changed();
  });
  form.querySelector('[data-link]')!.addEventListener('click', async () => {
    await navigator.clipboard.writeText(location.href);
    status.textContent = 'The link to exactly this run is copied.';
  });
  for (const control of form.querySelectorAll<HTMLInputElement>('[disabled]')) control.disabled = false;
  panel.classList.add('is-live');
  run();
}

function settings(form: HTMLFormElement): Pick<Order, 'values' | 'seed'> {
  const { seed, ...values } = Object.fromEntries(inputs(form).map(({ name, value }) => [name, Number(value)]));
  return { values, seed: seed! };
}

/** The address names exactly this run: only what differs from the start. */
function remember(form: HTMLFormElement): void {
  const changed = inputs(form).filter(({ value, defaultValue }) => value !== defaultValue);
  const query = new URLSearchParams(changed.map(({ name, value }): [string, string] => [name, value]));
  history.replaceState(null, '', query.size > 0 ? `?${query}` : location.pathname);
}

function recall(form: HTMLFormElement): void {
  for (const [name, value] of new URLSearchParams(location.search)) {
    const input = inputs(form).find((each) => each.name === name);
    // The browser itself keeps a slider within its bounds.
    if (input && Number.isFinite(Number(value))) input.value = value;
  }
}

function label(form: HTMLFormElement): void {
  for (const { name, value } of inputs(form)) {
    const output = form.querySelector(`output[for="${name}"]`);
    if (output) output.textContent = value;
  }
}

function present(panel: HTMLElement, { sides, axis, legend }: Shown, status: HTMLElement): void {
  for (const side of ['naive', 'steady'] as const satisfies Side[]) {
    const lane = panel.querySelector<HTMLElement>(`[data-side="${side}"]`)!;
    const { picture, figures, summary, events } = sides[side];
    lane.querySelector('[data-picture]')!.innerHTML = picture;
    lane.querySelector('[data-figures]')!.innerHTML = figures;
    lane.querySelector('[data-picture]')!.setAttribute('aria-label', summary);
    const rows = panel.querySelector<HTMLElement>(`[data-events="${side}"]`)!;
    rows.replaceChildren(
      ...events.slice(0, 1_000).map(({ atMs, what, text }) => {
        const row = document.createElement('tr');
        for (const cell of [(atMs / 1_000).toFixed(3), what, text]) {
          row.append(Object.assign(document.createElement('td'), { textContent: cell }));
        }
        return row;
      }),
    );
  }
  for (const each of panel.querySelectorAll('[data-axis]')) each.innerHTML = axis;
  panel.querySelector('[data-legend]')!.innerHTML = legend;
  status.textContent = `Naive: ${sides.naive.summary}. With the pattern: ${sides.steady.summary}.`;
}

function inputs(form: HTMLFormElement): HTMLInputElement[] {
  return [...form.querySelectorAll<HTMLInputElement>('input[name]')];
}

function field(form: HTMLFormElement, name: string): HTMLInputElement {
  return form.querySelector<HTMLInputElement>(`input[name="${name}"]`)!;
}
