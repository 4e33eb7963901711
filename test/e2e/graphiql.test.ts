import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { startBrowser } from '../support/clients-browser.ts';

/** Where the last look of the page is kept, for whoever wants to see it. */
const SCREENSHOT = join(tmpdir(), 'millrace-graphiql.png');
const TABS = ['Ask', 'FollowAgain', 'Cancel', 'Conversations', 'Documents'];

let browser: Browser;
let app: TestApp;

beforeAll(async () => {
  browser = await startBrowser();
  app = await startTestApp();
});

afterAll(async () => {
  await browser.close();
  await app[Symbol.asyncDispose]();
});

interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** The origins of everything that the page asked for. */
  readonly origins: ReadonlySet<string>;
  readonly failures: readonly string[];
}

/** GraphiQL as somebody sees it who has never been there. */
async function openGraphiql(): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  const origins = new Set<string>();
  const failures: string[] = [];
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  page.on('websocket', (socket) => origins.add(new URL(socket.url()).origin));
  page.on('pageerror', ({ message }) => failures.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') failures.push(message.text());
  });
  await page.goto(app.url);
  await editor(page).getByText('Asks a question').waitFor();
  return { page, origins, failures, [Symbol.asyncDispose]: () => context.close() };
}

const editor = (page: Page) => page.getByRole('region', { name: 'Operation Editor' });
const result = (page: Page) => page.getByRole('region', { name: 'Result Window' });
const run = (page: Page) => page.getByRole('button', { name: 'Execute query' }).click();
const tabs = (page: Page) => page.getByRole('tab');

describe('GraphiQL in a browser', () => {
  it('opens with its tabs, from its own server alone and without an error', async () => {
    await using opened = await openGraphiql();
    const { page, origins, failures } = opened;
    expect(await tabs(page).allInnerTexts()).toEqual(TABS);
    await page.getByRole('button', { name: 'Documentation Explorer' }).click();
    await page.getByText('streamingQuery', { exact: true }).first().waitFor();
    expect([...origins]).toEqual([app.url]);
    expect(failures).toEqual([]);
  });

  it('answers the question of its first tab with one press, and then shows the whole answer', async () => {
    await using opened = await openGraphiql();
    const { page, origins, failures } = opened;
    const frames: string[] = [];
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(`${payload}`)));
    await run(page);
    await result(page).getByText('"EndEvent"').waitFor();
    await result(page).getByText('No language model is configured').waitFor();
    await page.screenshot({ path: SCREENSHOT });
    expect(frames.filter((frame) => frame.includes('"TokenEvent"')).length).toBeGreaterThan(3);
    expect([...origins].sort()).toEqual([app.url, app.url.replace('http', 'ws')].sort());
    expect(failures).toEqual([]);
  });

  it('changes to another tab by one click, and runs its operation', async () => {
    await using opened = await openGraphiql();
    const { page } = opened;
    await page.getByRole('button', { name: 'Documents', exact: true }).click();
    await editor(page).getByText('The imported documents').waitFor();
    // GraphiQL reads the operation's name off the editor a moment later than a script can press the button.
    const press = async (): Promise<string> => {
      await run(page);
      return result(page).innerText();
    };
    await expect.poll(press, { interval: 500, timeout: 20_000 }).toContain('"millrace/README.md"');
  });

  it('opens with the same tabs when it is loaded again', async () => {
    await using opened = await openGraphiql();
    const { page } = opened;
    await page.reload();
    await editor(page).getByText('Asks a question').waitFor();
    expect(await tabs(page).allInnerTexts()).toEqual(TABS);
  });
});
