import { defineScenario } from '../../scenario.ts';

export const lateCommits = defineScenario({
  id: 'pagination/late-commits',
  requirement:
    'A client that reads what is new since its last run looks back far enough for records that became visible late.',
  level: 'should',
  reference: 'PostgreSQL documentation, Read Committed: the order of commits is not that of the clock',
  task: 'none',
  config: {
    auth: false,
    resources: {
      items: {
        records: 1_000,
        pagination: 'keyset',
        defects: [{ defect: 'late-commits', with: { recordsPerRequest: 2, behind: 30 } }],
      },
    },
  },
});
