import { describe, expect, it } from 'vitest';
import type { UpstreamEvent } from '../../../src/backend/backend.ts';
import { collectText } from '../../../src/backend/collect-text.ts';
import { textResponse } from '../../support/fake-backend-script.ts';

async function* inBatches(...batches: readonly (readonly UpstreamEvent[])[]) {
  yield* batches;
}
const delta = (text: unknown) => ({ type: 'response.output_text.delta', delta: text }) as UpstreamEvent;

describe('collecting text', () => {
  it('gives the text and the usage of a response', async () => {
    const usage = { inputTokens: 3, outputTokens: 4 };
    expect(await collectText(inBatches(textResponse('Blue skies', { usage })))).toEqual({
      text: 'Blue skies',
      usage: { ...usage, source: 'REPORTED' },
    });
  });

  it('takes the deltas where the end tells no text, also when the response was cut short', async () => {
    const events = [delta('Blue'), delta(7), delta(' skies')];
    for (const end of [{ type: 'response.completed' }, { type: 'response.incomplete', response: {} }]) {
      expect(await collectText(inBatches(events, [end]))).toEqual({
        text: 'Blue skies',
        usage: { inputTokens: 0, outputTokens: 0, source: 'NONE' },
      });
    }
  });

  it('joins the texts of all messages and leaves out refusals and what is no message', async () => {
    const message = (...content: readonly UpstreamEvent[]) => ({ type: 'message', content });
    const output = [
      { type: 'reasoning', summary: [] },
      message({ type: 'output_text', text: 'One' }, { type: 'refusal', refusal: 'No' }),
      message({ type: 'text', text: 'Two\0' }),
    ];
    const end = { type: 'response.completed', response: { output, usage: { input_tokens: -1 } } };
    expect(await collectText(inBatches([end]))).toMatchObject({
      text: 'One\n\nTwo\ufffd',
      usage: { source: 'NONE' },
    });
  });

  it.each([
    [{ type: 'response.failed', response: { error: { code: 'slow_down', message: 'x' } } }, 'RATE_LIMITED'],
    [{ type: 'error', message: 'The model is gone' }, 'BACKEND_ERROR'],
    [{ type: 'response.completed', response: { status: 'failed' } }, 'BACKEND_ERROR'],
    [{ error: { code: 429 } }, 'RATE_LIMITED'],
  ])('fails with what the backend says: %j', async (event, code) => {
    await expect(collectText(inBatches([delta('Blue')], [event]))).rejects.toMatchObject({ code });
  });

  it('fails where the response has no end', async () => {
    await expect(collectText(inBatches([delta('Blue')]))).rejects.toMatchObject({ code: 'BACKEND_PROTOCOL' });
  });
});
