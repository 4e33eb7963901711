/** Everything that a viewer may be allowed to do. Every root field of the schema declares one of these. Who may what says auth/. */

export const ACTIONS = [
  'ADMIN',
  'LIST_OTHERS_CONVERSATIONS',
  'READ_OTHERS_CONVERSATIONS',
  'QUERY_OTHERS_CONVERSATIONS',
  'DELETE_OTHERS_CONVERSATIONS',
  'CANCEL_OTHERS_TURNS',
  'QUERY',
  'STREAMING_QUERY',
  'GET_CONVERSATION',
  'LIST_CONVERSATIONS',
  'DELETE_CONVERSATION',
  'UPDATE_CONVERSATION',
  'FEEDBACK',
  'GET_MODELS',
  'GET_TOOLS',
  'GET_SHIELDS',
  'LIST_PROVIDERS',
  'GET_PROVIDER',
  'LIST_RAGS',
  'GET_RAG',
  'GET_METRICS',
  'GET_CONFIG',
  'INFO',
  'MODEL_OVERRIDE',
  'SHIELD_OVERRIDE',
  'MANAGE_DOCUMENTS',
  'MANAGE_QUOTAS',
] as const;

export type Action = (typeof ACTIONS)[number];
