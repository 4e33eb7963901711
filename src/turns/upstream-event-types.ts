/** Which upstream events are expected though they tell clients nothing: progress of items, and deltas that an end repeats. */

const EXPECTED: ReadonlySet<string> = new Set(['keepalive', 'response.queued', 'response.in_progress']);

const EXPECTED_FAMILIES: readonly string[] = [
  'response.apply_patch_call',
  'response.code_interpreter_call',
  'response.computer_call',
  'response.custom_tool_call',
  'response.file_search_call',
  'response.function_call_arguments',
  'response.image_generation_call',
  'response.local_shell_call',
  'response.mcp_',
  'response.reasoning_',
  'response.shell_call',
  'response.web_search_call',
];

/** False for types that translate knows nothing about; those are counted. */
export function isExpected(type: string): boolean {
  return EXPECTED.has(type) || EXPECTED_FAMILIES.some((family) => type.startsWith(family));
}
