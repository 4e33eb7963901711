/** The enums of the API, each with a description of every value. */
import { ERROR_CODES } from '../errors.ts';
import type { BusyPolicy, CancelOutcome, DisconnectPolicy } from '../turns/engine.ts';
import type { ErrorCode } from '../types/error-code.ts';
import type { QuotaSubject } from '../types/quota.ts';
import type { ToolKind, ToolStatus } from '../types/tool-call.ts';
import type { FinishReason, InterruptReason, TurnStatus } from '../types/turn.ts';
import type { WarningCode } from '../types/turn-event.ts';
import type { UsageSource } from '../types/usage.ts';
import type { Builder } from './builder.ts';

export type Enums = ReturnType<typeof declareEnums>;

export function declareEnums(builder: Builder) {
  return {
    errorCode: declareErrorCode(builder),
    quotaSubject: declareQuotaSubject(builder),
    ...declareTurnEnums(builder),
    ...declareEventEnums(builder),
    ...declareInputEnums(builder),
  };
}

function declareTurnEnums(builder: Builder) {
  return {
    turnStatus: builder.enumType('TurnStatus', {
      description: 'How far a turn is.',
      values: describe<TurnStatus>({
        RUNNING: 'The answer is being made.',
        COMPLETED: 'The answer is there.',
        FAILED: 'The turn ended with an error; `answer` is the text received before it.',
        INTERRUPTED: 'The turn was stopped before its end; `answer` is the text received so far.',
      }),
    }),
    finishReason: builder.enumType('FinishReason', {
      description: 'Why the model stopped.',
      values: describe<FinishReason>({
        STOP: 'The answer was finished.',
        MAX_OUTPUT_TOKENS: 'The limit on output tokens was reached; the answer is truncated.',
        CONTENT_FILTER: "The backend's content filter cut the answer short.",
        REFUSAL: 'The model declined to answer; the answer is its refusal.',
        SHIELD_BLOCKED: "A shield blocked the question; the answer is the shield's message.",
        TOOL_CALLS: 'The model asks the client to run tools; the answer may be empty.',
        APPROVAL_REQUIRED: 'A tool call waits for approval; the answer may be empty.',
        QUOTA: 'The quota that was left for the turn was used up; the answer is truncated.',
        OTHER: 'A reason that has no name here.',
      }),
    }),
    interruptReason: builder.enumType('InterruptReason', {
      description: 'Why a turn was stopped before its end.',
      values: describe<InterruptReason>({
        CANCELLED: 'Somebody who may do so cancelled it.',
        DISCONNECTED: 'Its last follower left, and it had been started with `onDisconnect: CANCEL`.',
        SERVER_LOST: 'The server that ran it was lost.',
        SUPERSEDED: 'A later question in the conversation came with `whenBusy: INTERRUPT`.',
        CONVERSATION_DELETED: 'Its conversation was deleted.',
        SHUTDOWN: 'The server shut down and the turn did not end within the grace time.',
      }),
    }),
    usageSource: builder.enumType('UsageSource', {
      description: 'How token counts are known.',
      values: describe<UsageSource>({
        REPORTED: 'The backend reported them.',
        ESTIMATED: 'The backend reported none, or impossible ones: they are estimated from the text.',
        NONE: 'The model was not called, or the turn still runs: they are zero.',
      }),
    }),
  };
}

function declareQuotaSubject(builder: Builder) {
  return builder.enumType('QuotaSubject', {
    description: 'Whose balance a limiter keeps.',
    values: describe<QuotaSubject>({
      USER: 'A balance for each viewer.',
      CLUSTER: 'One balance for all viewers together.',
    }),
  });
}

function declareErrorCode(builder: Builder) {
  const meanings = Object.entries(ERROR_CODES).map(([code, { meaning }]) => [code, meaning]);
  return builder.enumType('ErrorCode', {
    description:
      'What went wrong: the `code` of an ErrorEvent, and `extensions.code` of every GraphQL error of this server.',
    values: describe<ErrorCode>(Object.fromEntries(meanings) as Record<ErrorCode, string>),
  });
}

function declareEventEnums(builder: Builder) {
  return {
    toolKind: builder.enumType('ToolKind', {
      description: 'What sort of tool was called.',
      values: describe<ToolKind>({
        FUNCTION_CALL: 'A function of the client.',
        FILE_SEARCH_CALL: 'A search in vector stores.',
        WEB_SEARCH_CALL: 'A web search by the backend.',
        MCP_CALL: 'A tool of an MCP server.',
        MCP_LIST_TOOLS: "The listing of an MCP server's tools.",
        MCP_APPROVAL_REQUEST: 'A request to approve the call of an MCP tool.',
        OTHER: 'A tool that has no kind here.',
      }),
    }),
    toolStatus: builder.enumType('ToolStatus', {
      description: "How a tool call ended. The backend's own word is `rawStatus`.",
      values: describe<ToolStatus>({
        COMPLETED: 'It ran to its end.',
        SUCCESS: 'It succeeded.',
        FAILURE: 'It failed; `content` says why.',
        DENIED: 'Its approval was denied.',
        IN_PROGRESS: 'It had not ended when the backend reported it.',
        OTHER: 'A status that has no name here.',
      }),
    }),
    warningCode: builder.enumType('WarningCode', {
      description: 'What a warning is about. It is no error: the turn goes on, or ends as complete.',
      values: describe<WarningCode>({
        HISTORY_TRUNCATED: "Older turns were left out because they do not fit the model's context.",
        MCP_SERVER_SKIPPED: 'The tools of an MCP server are not available in this turn.',
        CAPABILITY_MISSING: 'The backend cannot do something that was asked for.',
        TOOL_CALLS_EXCEEDED: 'The model called tools too often and was stopped; the answer is truncated.',
      }),
    }),
  };
}

function declareInputEnums(builder: Builder) {
  return {
    disconnectPolicy: builder.enumType('DisconnectPolicy', {
      description: 'What becomes of a turn that nobody follows any more.',
      values: describe<DisconnectPolicy>({
        CONTINUE: 'It goes on and can be followed again or read later.',
        CANCEL: 'It is stopped 15 seconds after its last follower, on whichever node, has left.',
      }),
    }),
    busyPolicy: builder.enumType('BusyPolicy', {
      description: 'What to do when a turn already runs in the conversation.',
      values: describe<BusyPolicy>({
        REJECT: 'Refuse the new question with CONVERSATION_BUSY.',
        INTERRUPT: 'End the running turn as SUPERSEDED and accept the new question.',
      }),
    }),
    cancelOutcome: builder.enumType('CancelOutcome', {
      description: 'What a cancellation did.',
      values: describe<CancelOutcome>({
        CANCELLED: 'The turn was running and has been stopped.',
        ALREADY_ENDED: 'The turn had ended before; it is unchanged.',
      }),
    }),
    startOutcome: builder.enumType('StartOutcome', {
      description: 'Whether a question was new.',
      values: describe<'ACCEPTED' | 'ATTACHED'>({
        ACCEPTED: 'A new turn was accepted.',
        ATTACHED: 'The same question had been accepted before under this `clientTurnId`; this is its turn.',
      }),
    }),
  };
}

type Values<Name extends string> = { readonly [Key in Name]: { readonly description: string } };

/** Demands a description of every name of the union, and of no other. */
export function describe<Name extends string>(descriptions: Readonly<Record<Name, string>>): Values<Name> {
  const entries = Object.entries<string>(descriptions).map(([name, description]) => [name, { description }]);
  return Object.fromEntries(entries) as Values<Name>;
}
