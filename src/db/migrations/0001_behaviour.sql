CREATE TABLE "feedback" (
	"id" uuid PRIMARY KEY NOT NULL,
	"owner_id" text NOT NULL,
	"conversation_id" text NOT NULL,
	"turn_id" uuid,
	"question" text NOT NULL,
	"answer" text NOT NULL,
	"sentiment" smallint,
	"text" text,
	"categories" text[] NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "setting" (
	"key" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "upload" (
	"id" uuid PRIMARY KEY NOT NULL,
	"owner_id" text NOT NULL,
	"content_type" text NOT NULL,
	"bytes" "bytea" NOT NULL,
	"byte_size" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "token_usage" (
	"owner_id" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"kind" text NOT NULL,
	"day" date NOT NULL,
	"input_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	CONSTRAINT "token_usage_owner_id_day_provider_model_kind_pk" PRIMARY KEY("owner_id","day","provider","model","kind")
);
--> statement-breakpoint
ALTER TABLE "conversation" ADD COLUMN "backend_conversation_id" text;--> statement-breakpoint
ALTER TABLE "conversation" ADD COLUMN "backend_provider" text;--> statement-breakpoint
ALTER TABLE "conversation" ADD COLUMN "backend_model" text;--> statement-breakpoint
ALTER TABLE "feedback" ADD CONSTRAINT "feedback_conversation_id_conversation_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversation"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "feedback" ADD CONSTRAINT "feedback_turn_id_turn_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turn"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "feedback_by_conversation" ON "feedback" USING btree ("conversation_id");--> statement-breakpoint
CREATE INDEX "feedback_by_turn" ON "feedback" USING btree ("turn_id");--> statement-breakpoint
CREATE INDEX "upload_by_owner" ON "upload" USING btree ("owner_id");--> statement-breakpoint
CREATE INDEX "upload_by_age" ON "upload" USING btree ("created_at");