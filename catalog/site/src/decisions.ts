/** One question on the way to a pattern. */
export interface Question {
  readonly id: string;
  readonly question: string;
  /** Each leads to another question or to patterns, the first of them first. */
  readonly answers: readonly { readonly text: string; readonly next?: string; readonly patterns?: readonly string[] }[];
}

/** The way from what hurts to a pattern. A test holds every name and every way to be there. */
export const QUESTIONS: readonly Question[] = [
  {
    id: 'start',
    question: 'What hurts?',
    answers: [
      { text: 'Requests fail', next: 'failing' },
      { text: 'I am told that I ask too often', next: 'limits' },
      { text: 'I read a list page by page', next: 'pages' },
      { text: 'I write, or move many records', next: 'writes' },
      { text: 'Tokens expire', patterns: ['token-cache'] },
      { text: 'I cannot see what my client does', patterns: ['request-log'] },
    ],
  },
  {
    id: 'failing',
    question: 'How do they fail?',
    answers: [
      { text: 'For a moment, and work when tried again', patterns: ['backoff'] },
      { text: 'For minutes, and slowly', patterns: ['circuit-breaker', 'timeout'] },
      { text: 'They never answer', patterns: ['timeout'] },
    ],
  },
  {
    id: 'limits',
    question: 'What do you know of the limit?',
    answers: [
      { text: 'Responses say what is left', patterns: ['adaptive-throttle'] },
      { text: 'The documentation names a rate', patterns: ['token-bucket'] },
      { text: 'So many requests at once', patterns: ['concurrency-limit'] },
      { text: 'Nothing but the 429', patterns: ['adaptive-throttle', 'backoff'] },
    ],
  },
  {
    id: 'pages',
    question: 'How does the API name the next page?',
    answers: [
      { text: 'By an offset or a page number', patterns: ['offset-pagination'] },
      { text: 'By a cursor or token in the body', patterns: ['cursor-pagination'] },
      { text: 'By a Link header', patterns: ['link-pagination'] },
      { text: 'I ask from a time or an id on', patterns: ['keyset-pagination'] },
      { text: 'And it must survive being stopped', patterns: ['resumable-sync'] },
    ],
  },
  {
    id: 'writes',
    question: 'What must not go wrong?',
    answers: [
      { text: 'Nothing may happen twice', patterns: ['idempotency-key'] },
      { text: 'Thousands of items, some of which fail', patterns: ['batch'] },
      { text: 'A long copy that goes on where it stopped', patterns: ['resumable-sync'] },
    ],
  },
];
