CREATE TABLE "conversation" (
	"id" text PRIMARY KEY NOT NULL,
	"owner_id" text NOT NULL,
	"topic_summary" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_message_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"message_count" integer DEFAULT 0 NOT NULL,
	"last_used_provider" text,
	"last_used_model" text,
	"deleted_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "tool_call" (
	"turn_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"tool_call_id" text NOT NULL,
	"name" text NOT NULL,
	"args" jsonb NOT NULL,
	"kind" text NOT NULL,
	"status" text,
	"raw_status" text,
	"content" text,
	"round" integer,
	CONSTRAINT "tool_call_turn_id_ordinal_pk" PRIMARY KEY("turn_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "turn_attachment" (
	"turn_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"attachment_type" text NOT NULL,
	"content_type" text NOT NULL,
	"content" text NOT NULL,
	CONSTRAINT "turn_attachment_turn_id_ordinal_pk" PRIMARY KEY("turn_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "turn_chunk" (
	"turn_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"content" text NOT NULL,
	"source" text,
	"score" double precision,
	CONSTRAINT "turn_chunk_turn_id_ordinal_pk" PRIMARY KEY("turn_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "turn_document" (
	"turn_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"title" text,
	"url" text,
	CONSTRAINT "turn_document_turn_id_ordinal_pk" PRIMARY KEY("turn_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "turn" (
	"id" uuid PRIMARY KEY NOT NULL,
	"owner_id" text NOT NULL,
	"conversation_id" text NOT NULL,
	"idempotency_key" text,
	"fingerprint" text NOT NULL,
	"request" jsonb NOT NULL,
	"status" text NOT NULL,
	"query" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"answer" text DEFAULT '' NOT NULL,
	"finish_reason" text,
	"interrupt_reason" text,
	"error" jsonb,
	"truncated" boolean DEFAULT false NOT NULL,
	"rag_chunk_count" integer DEFAULT 0 NOT NULL,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"usage_source" text DEFAULT 'NONE' NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"completed_at" timestamp (3) with time zone,
	"lease_owner" text,
	"lease_until" timestamp (3) with time zone,
	"fence" integer DEFAULT 1 NOT NULL,
	"last_seq" integer DEFAULT 0 NOT NULL,
	"stop_reason" text,
	CONSTRAINT "turn_ended" CHECK (("turn"."status" = 'RUNNING') = ("turn"."completed_at" IS NULL))
);
--> statement-breakpoint
CREATE TABLE "document" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"title" text NOT NULL,
	"url" text,
	"format" text NOT NULL,
	"content_hash" text NOT NULL,
	"byte_size" integer NOT NULL,
	"passage_count" integer NOT NULL,
	"term_count" bigint DEFAULT 0 NOT NULL,
	"imported_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "document_name" UNIQUE("name"),
	CONSTRAINT "document_counts" CHECK ("document"."passage_count" >= 0 AND "document"."term_count" >= 0)
);
--> statement-breakpoint
CREATE TABLE "passage_term" (
	"passage_id" bigint NOT NULL,
	"term" text COLLATE "C" NOT NULL,
	"frequency" integer NOT NULL,
	"length" integer NOT NULL,
	CONSTRAINT "passage_term_passage_id_term_pk" PRIMARY KEY("passage_id","term")
);
--> statement-breakpoint
CREATE TABLE "passage" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "passage_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"document_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"heading" text,
	"text" text NOT NULL,
	"length" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "seeded_document" (
	"name" text PRIMARY KEY NOT NULL,
	"content_hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "turn_epoch" (
	"turn_id" uuid NOT NULL,
	"epoch" integer NOT NULL,
	"first_seq" integer NOT NULL,
	CONSTRAINT "turn_epoch_turn_id_epoch_pk" PRIMARY KEY("turn_id","epoch")
);
--> statement-breakpoint
CREATE TABLE "turn_event_batch" (
	"turn_id" uuid NOT NULL,
	"first_seq" integer NOT NULL,
	"last_seq" integer NOT NULL,
	"epoch" integer NOT NULL,
	"events" json NOT NULL,
	CONSTRAINT "turn_event_batch_turn_id_first_seq_pk" PRIMARY KEY("turn_id","first_seq"),
	CONSTRAINT "turn_event_batch_order" CHECK ("turn_event_batch"."first_seq" > 0 AND "turn_event_batch"."last_seq" >= "turn_event_batch"."first_seq")
);
--> statement-breakpoint
ALTER TABLE "tool_call" ADD CONSTRAINT "tool_call_turn_id_turn_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turn"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turn_attachment" ADD CONSTRAINT "turn_attachment_turn_id_turn_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turn"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turn_chunk" ADD CONSTRAINT "turn_chunk_turn_id_turn_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turn"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turn_document" ADD CONSTRAINT "turn_document_turn_id_turn_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turn"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turn" ADD CONSTRAINT "turn_conversation_id_conversation_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversation"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "passage_term" ADD CONSTRAINT "passage_term_passage_id_passage_id_fk" FOREIGN KEY ("passage_id") REFERENCES "public"."passage"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "passage" ADD CONSTRAINT "passage_document_id_document_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."document"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turn_epoch" ADD CONSTRAINT "turn_epoch_turn_id_turn_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turn"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turn_event_batch" ADD CONSTRAINT "turn_event_batch_turn_id_turn_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turn"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "conversation_newest" ON "conversation" USING btree ("owner_id","last_message_at" DESC NULLS LAST,"id" DESC NULLS LAST) WHERE "conversation"."deleted_at" IS NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "turn_idempotency_key" ON "turn" USING btree ("owner_id","idempotency_key");--> statement-breakpoint
CREATE UNIQUE INDEX "turn_one_running" ON "turn" USING btree ("conversation_id") WHERE "turn"."status" = 'RUNNING';--> statement-breakpoint
CREATE INDEX "turn_by_conversation" ON "turn" USING btree ("conversation_id","started_at","id");--> statement-breakpoint
CREATE INDEX "turn_leases" ON "turn" USING btree ("lease_until") WHERE "turn"."status" = 'RUNNING';--> statement-breakpoint
CREATE INDEX "passage_term_search" ON "passage_term" USING btree ("term","passage_id","frequency","length");--> statement-breakpoint
CREATE INDEX "passage_by_document" ON "passage" USING btree ("document_id","ordinal");