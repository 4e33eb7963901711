/**
 * Where a text in Markdown or HTML would lead or fetch from, were it shown as such. Finds too much rather than too little: a
 * link in a code block counts. Each pattern takes time in proportion to the text.
 */

/** Runs up to what cannot stand in an address. */
const REST = String.raw`[^\s<>"'\x60\])}]+`;
const ATTRIBUTE = String.raw`\b(?:href|src|srcset|action|formaction|poster|background|data)\s*=\s*`;
const PATTERNS: readonly RegExp[] = [
  // Addresses as they are, of schemes that fetch or run something.
  new RegExp(String.raw`\b(?:https?|ftp|wss?|javascript|vbscript|data|file|blob):${REST}`, 'giu'),
  new RegExp(String.raw`(?<![\w@/.-])www\.${REST}`, 'giu'),
  // [text](address), ![text](address)
  /\]\([ \t]*<?([^\s)>]+)/gu,
  // [name]: address
  /^ {0,3}\[[^\]\n]{1,200}\]:[ \t]*\n?[ \t]*<?([^\s>]+)/gmu,
  // Attributes of HTML; what is quoted counts as a whole, as browsers drop line ends and tabs from addresses.
  ...[/"([^"]*)/, /'([^']*)/, /([^\s"'>]+)/].map(({ source }) => new RegExp(ATTRIBUTE + source, 'giu')),
  // Hosts without a scheme, wherever they stand: in styles, or second in a list.
  new RegExp(String.raw`(?<![\w:/])//[\w-]+\.${REST}`, 'giu'),
];
const TRAILING = /[.,;:!?*_~]+$/u;
/** Of one text. */
const MOST = 100;

/**
 * The links and images, as they are written and each once, that lead elsewhere than to the hosts or their sub-domains.
 * What stays on the page's own host is none of them. At most 100.
 */
export function findUntrustedLinks(text: string, hosts: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const pattern of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const link = (match[1] ?? match[0])
        .replace(/[\t\r\n]/gu, '')
        .trim()
        .replace(TRAILING, '');
      if (link !== '' && !isTrusted(link, hosts)) found.add(link);
      if (found.size === MOST) return [...found];
    }
  }
  return [...found];
}

function isTrusted(link: string, hosts: readonly string[]): boolean {
  if (isRelative(link)) return true;
  const full = /^www\./iu.test(link) ? `http://${link}` : link.replace(/^\/\//u, 'https://');
  if (!URL.canParse(full)) return false;
  const { protocol, username, password, hostname } = new URL(full);
  if (!/^https?:$/u.test(protocol) || username !== '' || password !== '') return false;
  return hosts.some((host) => hostname === host || hostname.endsWith(`.${host}`));
}

/** Without a scheme or host, and without what a browser or a Markdown reader would turn into one: `\`, `&#58;`. */
function isRelative(link: string): boolean {
  return !/^www\./iu.test(link) && !/\/\/|[\\&:]/u.test(link);
}
