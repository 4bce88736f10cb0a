/** Whether a response says by itself that it is worth asking again, as those of OpenAI, Anthropic and Stripe may. */
export function saidToRetry(response: Response | undefined): boolean | undefined {
  const said = response?.headers.get('x-should-retry') ?? response?.headers.get('stripe-should-retry');
  return said ? said === 'true' : undefined;
}
