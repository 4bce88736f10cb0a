import { cursorExpires } from './cursor-expires.ts';
import { cursorLoop } from './cursor-loop.ts';
import { duplicateRecords } from './duplicate-records.ts';
import { emptyPage } from './empty-page.ts';
import { foreignNext } from './foreign-next.ts';
import { lastPageSaysMore } from './last-page-says-more.ts';
import { lateCommits } from './late-commits.ts';
import { missingCursor } from './missing-cursor.ts';
import { repeatedCursor } from './repeated-cursor.ts';
import { shortPage } from './short-page.ts';
import { wrongTotal } from './wrong-total.ts';

/** Every defect of a listing, by the name used in a configuration. */
export const defects = {
  'empty-page': emptyPage,
  'short-page': shortPage,
  'last-page-says-more': lastPageSaysMore,
  'missing-cursor': missingCursor,
  'repeated-cursor': repeatedCursor,
  'cursor-loop': cursorLoop,
  'cursor-expires': cursorExpires,
  'foreign-next': foreignNext,
  'duplicate-records': duplicateRecords,
  'late-commits': lateCommits,
  'wrong-total': wrongTotal,
} as const;

/** The name of a defect. */
export type DefectName = keyof typeof defects;
