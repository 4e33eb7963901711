/** The mutation that deletes everything of the viewer. */
import { AppError } from '../errors.ts';
import { deleteMyData } from '../turns/delete-viewer.ts';
import type { Parts } from './parts.ts';

type Deleted = Awaited<ReturnType<typeof deleteMyData>>;

export function declareDeleteMyData({ builder }: Parts): void {
  const input = builder.inputType('DeleteMyDataInput', {
    description: 'The wish to have everything deleted.',
    fields: (t) => ({
      confirm: t.boolean({
        required: true,
        description: 'Must be true: what is deleted does not come back.',
      }),
    }),
  });
  const payload = builder.objectRef<Deleted>('DeleteMyDataPayload').implement({
    description: 'How much was deleted, by this call.',
    fields: (t) => ({
      conversations: t.exposeInt('conversations', { description: 'Conversations.' }),
      turns: t.exposeInt('turns', { description: 'Turns in these conversations.' }),
      uploads: t.exposeInt('uploads', { description: 'Uploads.' }),
      feedback: t.exposeInt('feedback', { description: 'Pieces of feedback.' }),
    }),
  });
  builder.mutationField('deleteMyData', (t) =>
    t.field({
      type: payload,
      description:
        'Deletes all conversations of the viewer, also at backends that keep their own, with turns, uploads, feedback ' +
        'and transcripts. It is out of sight at once; turns that run are stopped and contents erased soon after. What was ' +
        'spent is kept without the person, but for the balances of quotas.',
      authScopes: { action: 'DELETE_CONVERSATION' },
      args: { input: t.arg({ type: input, required: true, description: 'The confirmation.' }) },
      resolve: (_root, { input: { confirm } }, { services, viewer }) => {
        if (confirm) return deleteMyData(services, viewer);
        throw new AppError('BAD_USER_INPUT', 'confirm must be true for everything to be deleted');
      },
    }),
  );
}
