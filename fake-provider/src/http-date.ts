/** Words instants as HTTP dates (RFC 9110, section 5.6.7). They have whole seconds, so replies that are close share one. */
export function createHttpDate(): (ms: number) => string {
  let lastSecond = Number.NaN;
  let text = '';
  return (ms) => {
    const second = Math.floor(ms / 1_000);
    if (second !== lastSecond) text = new Date(ms).toUTCString();
    lastSecond = second;
    return text;
  };
}
