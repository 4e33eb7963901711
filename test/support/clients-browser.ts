/** A real Chromium without a window, for tests of pages. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const DEFAULT_PATH = '/usr/bin/chromium';
/** It may talk to the pages of tests only. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Throws with the package to install when there is no Chromium; CHROMIUM names another executable. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? DEFAULT_PATH;
  if (!existsSync(executablePath)) {
    throw new Error(`There is no ${executablePath}: apt-get install chromium, or name another in CHROMIUM`);
  }
  return chromium.launch({ executablePath, args: ARGS });
}
