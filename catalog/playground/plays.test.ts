import { parseConfig } from '@steadfetch/fake-provider';
import { expect, it } from 'vitest';
import { show } from './markup.ts';
import { defaultsOf, type Play } from './play.ts';
import { plays } from './plays/index.ts';
import { perform } from './stage.ts';

const all = await Promise.all(Object.entries(plays).map(async ([name, load]) => ({ name, play: (await load()).play })));

it.each(all)('$name names its pattern, and its sliders begin where they can stand', ({ name, play }) => {
  expect(play.pattern).toBe(name);
  for (const { min, max, step, value } of Object.values(play.sliders)) {
    expect([min <= value, value <= max, (value - min) % step]).toEqual([true, true, 0]);
  }
});

it.each(all)('$name makes worlds as whole as the schema would, wherever the sliders stand', ({ play }) => {
  for (const values of [defaultsOf(play), at(play, 'min'), at(play, 'max')]) {
    const world = play.world(values, 7);

    expect(parseConfig(world)).toEqual(world);
  }
});

it.each(all)('$name is better off with the pattern', async ({ play }) => {
  const values = defaultsOf(play);
  const naive = play.figures(await perform(play, 'naive', values, 1));
  const steady = play.figures(await perform(play, 'steady', values, 1));

  expect([naive[0]?.tone, steady[0]?.tone]).toEqual(['bad', 'good']);
});

it('shows the same for the same seed, and something else for another', async () => {
  const { play } = await plays.backoff!();
  const values = defaultsOf(play);

  expect(await show(play, values, 1)).toEqual(await show(play, values, 1));
  expect((await show(play, values, 2)).sides.steady.picture).not.toBe(
    (await show(play, values, 1)).sides.steady.picture,
  );
});

it('cuts a run short that does not end, and gives the clock back', async () => {
  const { play } = await plays.timeout!();
  const clock = [globalThis.setTimeout, globalThis.Date];
  const run = await perform(play, 'naive', { ...defaultsOf(play), ratio: 50 }, 1);

  expect(run).toMatchObject({ isCut: true, durationMs: 30_000 });
  expect(run.calls.filter(({ outcome }) => outcome === 'unfinished')).toHaveLength(3);
  expect([globalThis.setTimeout, globalThis.Date]).toEqual(clock);
});

/** The sliders at one end. */
function at({ sliders }: Play, end: 'min' | 'max') {
  return Object.fromEntries(Object.entries(sliders).map(([name, slider]) => [name, slider[end]]));
}
