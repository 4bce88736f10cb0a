/**
 * Stands in for zod in the browser. Nothing is checked there: the worlds of the plays are whole configurations, and a
 * test holds them equal to what the schema makes of them. So schemas are built of nothing, and let everything pass.
 */
const nothing: unknown = new Proxy(() => {}, {
  get: (_target, name) => (name === 'safeParse' ? (data: unknown) => ({ success: true, data }) : nothing),
  apply: () => nothing,
});

export { nothing as z };
