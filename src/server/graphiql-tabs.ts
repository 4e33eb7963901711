/** The operations that GraphiQL opens with. */

export interface GraphiqlTab {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * The question stands in the text: of the first tab, GraphiQL takes the text alone and forgets the variables. It shows
 * the latest event only, so the last one has the whole answer.
 */
const ASK = `# Asks a question and follows the answer.
subscription Ask {
  streamingQuery(input: { query: "What is Millrace?" }) {
    __typename
    ... on TurnEvent {
      cursor
      turnId
      plainText
    }
    ... on StartEvent {
      conversationId
      provider
      model
    }
    ... on EndEvent {
      turn {
        answer
      }
      finishReason
      referencedDocuments {
        title
        url
      }
    }
    ... on ErrorEvent {
      code
      message
      requestId
    }
  }
}
`;

const FOLLOW_AGAIN = `# Follows a turn again: from the beginning, or from the event after the cursor.
# Both stand in the answers of the tab Ask: copy them into the variables below.
subscription FollowAgain($turnId: ID!, $after: Cursor) {
  turnEvents(turnId: $turnId, after: $after) {
    __typename
    ... on TurnEvent {
      cursor
      fromSeq
      seq
      plainText
    }
  }
}
`;

const CANCEL = `# Stops a running turn; what was answered so far is kept.
# Copy its turnId from the tab Ask into the variables below.
mutation Cancel($input: CancelTurnInput!) {
  cancelTurn(input: $input) {
    outcome
    turn {
      id
      status
      answer
    }
  }
}
`;

const CONVERSATIONS = `# Your conversations, the newest first.
query Conversations($first: Int) {
  conversations(first: $first) {
    edges {
      node {
        id
        topicSummary
        lastMessageAt
        messageCount
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const DOCUMENTS = `# The imported documents, which answers refer to.
query Documents($first: Int) {
  documents(first: $first) {
    edges {
      node {
        name
        title
        passageCount
        importedAt
      }
    }
  }
}
`;

export const GRAPHIQL_TABS: readonly GraphiqlTab[] = [
  { query: ASK, variables: {} },
  { query: FOLLOW_AGAIN, variables: { turnId: '', after: null } },
  { query: CANCEL, variables: { input: { turnId: '' } } },
  { query: CONVERSATIONS, variables: { first: 20 } },
  { query: DOCUMENTS, variables: { first: 20 } },
];
