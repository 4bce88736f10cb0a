import type { ConfigInput } from '@steadfetch/fake-provider';

/** Accounts of these sizes, each a resource of the provider: `account-aa`, `account-ab`… Its names hold no digits. */
export function accountsOf(sizes: readonly number[], churn = {}): NonNullable<ConfigInput['resources']> {
  const pageSize = { default: 50, max: 50 };
  return Object.fromEntries(sizes.map((records, nth) => [nameOf(nth), { records, pageSize, churn }]));
}

function nameOf(nth: number): string {
  return `account-${letter(Math.floor(nth / 26))}${letter(nth % 26)}`;
}

function letter(nth: number): string {
  return String.fromCharCode(97 + nth);
}
