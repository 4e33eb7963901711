/** Leaves out of a request what the backend cannot do, and says so. Pure. */
import type { JsonObject } from '../types/json.ts';
import type { Capabilities, InputMessage, InputPart, ResponseRequest } from './backend.ts';

export interface CapabilityWarning {
  readonly warning: 'CAPABILITY_MISSING';
  readonly message: string;
}

export interface AdaptedRequest {
  readonly request: ResponseRequest;
  /** One for each kind of thing that was left out. */
  readonly warnings: readonly CapabilityWarning[];
}

/** The request as the backend can take it; the same object when it can take it as it is. */
export function adaptRequest(request: ResponseRequest, capabilities: Capabilities): AdaptedRequest {
  return STEPS.reduce<AdaptedRequest>(
    (adapted, step) => {
      const next = capabilities[step.needs] ? undefined : step.leaveOut(adapted.request);
      if (next === undefined) return adapted;
      const { message } = step;
      const warning = message === null ? [] : [{ warning: 'CAPABILITY_MISSING', message } as const];
      return { request: next, warnings: [...adapted.warnings, ...warning] };
    },
    { request, warnings: [] },
  );
}

interface Step {
  readonly needs: keyof Capabilities;
  /** Null: nobody needs to be told. */
  readonly message: string | null;
  /** Undefined when there is nothing to leave out. */
  readonly leaveOut: (request: ResponseRequest) => ResponseRequest | undefined;
}

const STEPS: readonly Step[] = [
  {
    needs: 'fileSearch',
    message: 'The backend cannot search files: the answer comes without them',
    leaveOut: (request) => leaveOutTools(request, 'file_search'),
  },
  {
    needs: 'mcp',
    message: 'The backend cannot call MCP servers: the answer comes without them',
    leaveOut: (request) => leaveOutTools(request, 'mcp'),
  },
  {
    needs: 'images',
    message: 'The backend takes no images: they were left out',
    leaveOut: leaveOutImages,
  },
  {
    needs: 'maxOutputTokens',
    // The answer is watched here, too, and stopped there.
    message: null,
    leaveOut: ({ maxOutputTokens, ...rest }) => (maxOutputTokens === undefined ? undefined : rest),
  },
  {
    needs: 'conversations',
    message: 'The backend keeps no conversations: it does not know what was said before',
    leaveOut: ({ conversation, ...rest }) => (conversation === undefined ? undefined : rest),
  },
  {
    needs: 'background',
    message: 'The backend cannot answer in the background: the answer ends where its connection breaks off',
    leaveOut: ({ background, ...rest }) => (background ? rest : undefined),
  },
];

function leaveOutTools(request: ResponseRequest, type: string): ResponseRequest | undefined {
  const tools = request.tools.filter((tool: JsonObject) => tool.type !== type);
  return tools.length === request.tools.length ? undefined : { ...request, tools };
}

function isText(part: InputPart): boolean {
  return part.type === 'text';
}

function leaveOutImages(request: ResponseRequest): ResponseRequest | undefined {
  const hasImage = ({ content }: InputMessage): boolean =>
    typeof content !== 'string' && !content.every(isText);
  if (!request.input.some(hasImage)) return undefined;
  const input = request.input.map((message) =>
    typeof message.content === 'string' ? message : { ...message, content: message.content.filter(isText) },
  );
  return { ...request, input };
}
